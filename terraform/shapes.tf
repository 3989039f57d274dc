# What an instance has room for. Types that instances.json does not know are given by var.instance_shapes.

locals {
  instances = jsondecode(file("${path.module}/instances.json"))
  shapes = merge(merge([
    for family, kind in local.instances.families : {
      for size, shape in local.instances.sizes : "${family}.${size}" => {
        architecture = kind.architecture
        vcpu         = shape.vcpu
        mib          = shape.vcpu * kind.mib_per_vcpu
        interfaces   = shape.interfaces
      }
    }
  ]...), var.instance_shapes)

  # The kernel and the agent keep some memory, and the instance one interface, for itself.
  memory_share = 0.93
}

# Grafana with the boards and the data sources of a cluster on AWS; the context is dashboards/. Boards are read from files and
# cannot be saved over (docs/dashboards.md).
ARG BASE
FROM ${BASE}
COPY provisioning/dashboards /etc/grafana/provisioning/dashboards
COPY provisioning/datasources/amazon-prometheus.yaml provisioning/datasources/cloudwatch.yaml provisioning/datasources/loki.yaml \
     /etc/grafana/provisioning/datasources/
COPY *.json /etc/grafana/boards/
ENV BOARDS=/etc/grafana/boards \
    GF_PLUGINS_PREINSTALL_SYNC=grafana-amazonprometheus-datasource

ARG REVISION
LABEL org.opencontainers.image.title="grafana" \
      org.opencontainers.image.revision="${REVISION}"

# Temporal's server; benchmark-cluster, which makes the server's configuration of the environment and becomes it; and the
# dynamic configurations. The base has a shell, for whoever looks into a task, and certificate authorities.
ARG BASE
FROM ${BASE}
ARG TARGETARCH
COPY bin/${TARGETARCH}/temporal-server bin/${TARGETARCH}/benchmark-cluster /usr/local/bin/
COPY dynamicconfig /etc/temporal/dynamicconfig
USER 65532:65532
# The server asks for the user's name, which the base does not know.
ENV USER=temporal HOME=/
ENTRYPOINT ["/usr/local/bin/benchmark-cluster", "temporal"]

ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="temporal-server" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Temporal's tools: for schemas (with the fork, DSQL's too) and for looking into a cluster. There is no entry point: a task
# names the tool.
ARG BASE
FROM ${BASE}
ARG TARGETARCH
COPY bin/${TARGETARCH}/temporal-*-tool bin/${TARGETARCH}/tdbg /usr/local/bin/
USER 65532:65532

ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="temporal-admin-tools" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

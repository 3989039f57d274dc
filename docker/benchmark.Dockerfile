# The benchmark's programs and nothing else; docker/binaries compiles them. There is no entry point: whoever starts a container
# names the program, as terraform/ and compose.yaml do.

# A folder that the user owns, so that a volume which is mounted there is the user's, too.
FROM scratch AS runs
WORKDIR /runs

FROM scratch
ARG TARGETARCH
COPY --from=runs --chown=65532:65532 /runs /runs
COPY bin/${TARGETARCH}/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY bin/${TARGETARCH}/run-benchmark bin/${TARGETARCH}/benchmark-worker bin/${TARGETARCH}/benchmark-cluster /
USER 65532:65532
CMD ["/run-benchmark", "--help"]
# Generator and worker have it where compose.yaml and terraform/ start them. ECS wants its own words for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/benchmark-cluster", "probe", "http://127.0.0.1:9090/healthz"]

ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="benchmark" \
      org.opencontainers.image.description="Load generator and workers of a Temporal benchmark" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

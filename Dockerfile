# A static binary on an empty base. Checks that are not static binaries need a base with
# a shell:
#   docker build --build-arg BASE=debian:stable-slim .
#
# Mount read-only:
#   /host                 the host's file systems (-v /:/host:ro,rslave)
#   /etc/host_exporter    the directory of the configuration: with the file alone, the
#                         container would not see its replacement
#   /textfile             text files of other programs
# and pass --path.rootfs=/host and so on, --config.file=/etc/host_exporter/host_exporter.yml,
# --collector.textfile.directory=/textfile. There is no VOLUME: it would create an
# empty one where nothing is mounted.
ARG BASE=scratch
ARG GO=golang:1.26

FROM ${GO} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG REVISION=unknown
# Without cgo: static, and cheaper memory limits for checks.
RUN CGO_ENABLED=0 go build -trimpath -o /host_exporter -ldflags "-s -w \
    -X github.com/prometheus/common/version.Version=${VERSION} \
    -X github.com/prometheus/common/version.Revision=${REVISION}" .

FROM ${BASE}
COPY --from=build /host_exporter /host_exporter
COPY LICENSE /LICENSE
EXPOSE 9100
USER 65534:65534
ENTRYPOINT ["/host_exporter"]

# A static binary on an empty base. To have a shell beside it, which checks need
# unless they are static binaries too:
#   docker build --build-arg BASE=debian:stable-slim .
#
# What to mount, read-only:
#   /host                 the host's file systems (-v /:/host:ro,rslave)
#   /etc/host_exporter    the configuration: its folder, not the file, so that a
#                         file that is put in the place of the old one is seen
#   /textfile             files of metrics that others write
# and to say so with --path.rootfs=/host and so on, --config.file=
# /etc/host_exporter/host_exporter.yml, --collector.textfile.directory=/textfile.
# There is no VOLUME: it would make an empty one where nothing is mounted.
ARG BASE=scratch
ARG GO=golang:1.26

FROM ${GO} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG REVISION=unknown
# Without cgo: static, and each run of a check with a limit of memory costs less.
RUN CGO_ENABLED=0 go build -trimpath -o /host_exporter -ldflags "-s -w \
    -X github.com/prometheus/common/version.Version=${VERSION} \
    -X github.com/prometheus/common/version.Revision=${REVISION}" .

FROM ${BASE}
COPY --from=build /host_exporter /host_exporter
COPY LICENSE /LICENSE
EXPOSE 9100
USER 65534:65534
ENTRYPOINT ["/host_exporter"]

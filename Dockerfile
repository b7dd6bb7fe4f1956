# A static binary on an empty base. To have a shell beside it:
#   docker build --build-arg BASE=debian:stable-slim .
ARG BASE=scratch
ARG GO=golang:1.26

FROM ${GO} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG REVISION=unknown
RUN CGO_ENABLED=0 go build -trimpath -o /host_exporter -ldflags "-s -w \
    -X github.com/prometheus/common/version.Version=${VERSION} \
    -X github.com/prometheus/common/version.Revision=${REVISION}" .

FROM ${BASE}
COPY --from=build /host_exporter /host_exporter
COPY LICENSE /LICENSE
EXPOSE 9100
USER 65534:65534
ENTRYPOINT ["/host_exporter"]

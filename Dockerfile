# syntax=docker/dockerfile:1

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=""
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/fhirside ./cmd/fhirside \
    && mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/fhirside /fhirside
# 65532 is the image's user "nonroot".
COPY --from=build --chown=65532:65532 /out/data /data
# Change the settings by the environment, not by flags: the health check knows them too.
ENV FHIRSIDE_LISTEN=0.0.0.0:8080 \
    FHIRSIDE_STORE=sqlite:/data/fhirside.db
VOLUME /data
EXPOSE 8080
USER nonroot
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/fhirside", "health"]
ENTRYPOINT ["/fhirside"]
CMD ["serve"]

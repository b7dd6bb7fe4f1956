# Shorthands for go and .ci/run; CONTRIBUTING.md has the details.
.PHONY: build test short lint generate ci

build:
	CGO_ENABLED=0 go build -trimpath .

test:
	go test ./...

short:
	go test -short ./...

lint:
	go vet ./...
	go tool staticcheck ./...

generate:
	go generate ./...
	go test . -run "TestFlagsDoc|TestManualPage" -update
	go test ./collector/checks/internal/definition -run TestPage -update

ci:
	.ci/run

// Command fhirside is a FHIR R4 server and its tools in one binary. It only wires: what things mean lives in the packages below.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fhirside:", err)
		os.Exit(1)
	}
}

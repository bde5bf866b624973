// Loads compose files as `docker compose config -q` does: schema, interpolation, references. usage: go run . FILE...
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	failed := false
	for _, file := range os.Args[1:] {
		options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithName("check"))
		if err == nil {
			_, err = options.LoadProject(context.Background())
		}
		if err != nil {
			failed = true
			fmt.Printf("%s: %v\n", file, err)
		}
	}
	if failed {
		os.Exit(1)
	}
}

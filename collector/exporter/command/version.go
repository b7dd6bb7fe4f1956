package command

import (
	"context"
	"fmt"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

// addVersion adds the command and the flag that print the version.
func (p *program) addVersion() {
	show := func() error {
		_, err := fmt.Fprintln(p.stdout, version.Print(p.app.Name))
		return err
	}
	p.command(p.app, "version", "Print the version.", func(context.Context) error { return show() })
	p.app.Flag("version", "Print the version and exit.").PreAction(func(*kingpin.ParseContext) error {
		p.done = true
		return show()
	}).Bool()
}

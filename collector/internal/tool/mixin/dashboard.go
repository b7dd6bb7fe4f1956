package mixin

import (
	"encoding/json"
	"fmt"
	"os"
)

// A Dashboard is the part of a Grafana dashboard that the tests check.
type Dashboard struct {
	UID           string
	Title         string
	SchemaVersion int
	Panels        []Panel
	Links         []Link
	Templating    struct{ List []Variable }
}

// A Panel is a panel of a dashboard. A row is a panel without targets.
type Panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  Datasource
	GridPos     struct{ X, Y, W, H int }
	Targets     []Target
	FieldConfig struct {
		Defaults struct {
			Unit  string
			Links []Link
		}
	}
}

// A Target is a query of a panel.
type Target struct {
	RefID      string
	Datasource Datasource
	Expr       string
}

// A Variable is a variable of a dashboard, such as the instance.
type Variable struct {
	Name       string
	Type       string
	Datasource Datasource
	Definition string
}

// A Datasource is the server that a query goes to.
type Datasource struct{ Type, UID string }

// A Link leads to another dashboard.
type Link struct{ Title, URL string }

// LoadDashboard reads a dashboard.
func LoadDashboard(file string) (*Dashboard, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := new(Dashboard)
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

// Queries returns all queries of a dashboard with their places.
func (d *Dashboard) Queries() []Query {
	var all []Query
	for _, p := range d.Panels {
		for _, t := range p.Targets {
			all = append(all, Query{Where: d.UID + ", " + p.Title + ", " + t.RefID, Expr: t.Expr})
		}
	}
	return all
}

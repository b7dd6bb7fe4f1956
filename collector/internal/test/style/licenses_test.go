package style

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLicenses checks that each module in the program has a license that a program
// under the Apache License may include.
func TestLicenses(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Dir}}{{end}}", "github.com/hostexporter/host_exporter").Output()
	if err != nil {
		t.Skip("no go command: ", err)
	}
	modules := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, dir, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			modules[path] = dir
		}
	}
	if len(modules) < 10 {
		t.Errorf("have %d modules, want those of the program", len(modules))
	}
	for path, dir := range modules {
		files, err := filepath.Glob(dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, file := range files {
			if !regexp.MustCompile(`^(LICEN[CS]E|COPYING)`).MatchString(filepath.Base(file)) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found = true; license(string(text)) == "" {
				t.Errorf("%s: %s has none of the known licenses", path, file)
			}
		}
		if !found {
			t.Errorf("%s: no file with a license in %s", path, dir)
		}
	}
}

// license returns the name of a license that its text has, or "".
func license(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	for _, l := range []struct{ name, phrase string }{
		{"Apache-2.0", "Apache License Version 2.0, January 2004"},
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
		{"BSD", "Redistribution and use in source and binary forms, with or without modification, are permitted"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"},
	} {
		if strings.Contains(words, l.phrase) && !strings.Contains(words, "GNU ") {
			return l.name
		}
	}
	return ""
}

// TestLicensesOfAssets checks that what the pages load from others has its license
// beside it.
func TestLicensesOfAssets(t *testing.T) {
	const dir = "../../web/assets/"
	minified, err := filepath.Glob(dir + "*.min.*")
	if err != nil || minified == nil {
		t.Fatal("no assets of others", err)
	}
	for _, file := range minified {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		text, err := os.ReadFile(dir + name + ".LICENSE")
		if err != nil || license(string(text)) == "" {
			t.Errorf("%s: no known license beside it: %v", file, err)
		}
	}
}

func TestLicense(t *testing.T) {
	for text, want := range map[string]string{
		"   Apache License\n  Version 2.0, January 2004\n":                                                         "Apache-2.0",
		"Permission is hereby granted, free of charge, to any\nperson obtaining a copy of this":                    "MIT",
		"Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided": "BSD",
		"GNU GENERAL PUBLIC LICENSE Version 2":                                                                     "",
		"All rights reserved.":                                                                                     "",
	} {
		if have := license(text); have != want {
			t.Errorf("%q: %q, want %q", text, have, want)
		}
	}
}

package expect

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/document"
)

func TestPrint(t *testing.T) {
	for text, want := range map[string]string{
		`a`:                           `a`,
		`a{}`:                         `a`,
		` a { b = "c" , } >=+1e3 `:    `a{b="c"} >= +1e3`,
		`a{b!='c',d=~"e.*",f!~"\\d"}`: `a{b!="c",d=~"e.*",f!~"\\d"}`,
		`any(a:b_c{d="\"\n\'"}<.5)`:   `any(a:b_c{d="\"\n'"} < .5)`,
		"count(a)==0\nand sum(b)>-1 and min(c)!=2":      `count(a) == 0 and sum(b) > -1 and min(c) != 2`,
		`max(a>1)<=16e9 for each x in ("1",'2')`:        `max(a > 1) <= 16e9 for each x in ("1", "2")`,
		`and and for and count for each each in ("in")`: `and and for and count for each each in ("in")`,
		`a>=b`: `a >= b`,
		`a{b="c"}<0.05*d{e="f"} unless on(b)g==1`:             `a{b="c"} < 0.05 * d{e="f"} unless on (b) g == 1`,
		`a < 2*(b > 0) unless c`:                              `a < 2 * (b > 0) unless c`,
		`sum by(a,b)(c{d="e"}>1)>=f and g`:                    `sum by (a, b) (c{d="e"} > 1) >= f and g`,
		`a unless on{b="c"}`:                                  `a unless on{b="c"}`,
		`any{any="any"} == 1 for each count in ("x") and sum`: `any{any="any"} == 1 for each count in ("x") and sum`,
	} {
		x, err := New("n", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if have := x.String(); have != want {
			t.Errorf("%s: prints %s, want %s", text, have, want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                            `position 1: want a metric, count, sum, min, max or any, have the end`,
		`   `:                         `position 4: want a metric, count, sum, min, max or any, have the end`,
		`>= 4`:                        `position 1: want a metric, count, sum, min, max or any, have ">="`,
		`"a"`:                         `position 1: want a metric, count, sum, min, max or any, have "a"`,
		`avg(a) > 1`:                  `position 1: want count, sum, min, max or any before "(", have "avg"`,
		`count(a)`:                    `position 9: want a comparison (==, !=, >, >=, < or <=), have the end`,
		`count(a) and b`:              `position 10: want a comparison (==, !=, >, >=, < or <=), have "and"`,
		`count()`:                     `position 7: want a metric, have ")"`,
		`count(a >= 4`:                `position 13: want ")", have the end`,
		`count(a > 1 > 2) > 3`:        `position 13: want ")", have ">"`,
		`count(a{b="c"} x`:            `position 16: want a comparison or ")", have "x"`,
		`count(a x`:                   `position 9: want "{", a comparison or ")", have "x"`,
		`a = 4`:                       `position 3: want a comparison (==, !=, >, >=, < or <=), have "=": do you mean "=="?`,
		`a >= `:                       `position 6: want a number or a metric, have the end`,
		`count(a) >= b`:               `position 13: want a number, have "b"`,
		`a >= 2 * 3`:                  `position 10: want a metric, have "3"`,
		`a >= (2)`:                    `position 7: want a metric, have "2"`,
		`a >= (b > c)`:                `position 11: want a number, have "c"`,
		`a >= (b`:                     `position 8: want "{", a comparison or ")", have the end`,
		`a >= b > 2`:                  `position 8: want "and", "unless" or the end, have ">"`,
		`a >= b for each c in ("d")`:  `position 8: want "and", "unless" or the end, have "for"`,
		`count(a) >= 2 unless b`:      `position 15: want "and", "for each" or the end, have "unless"`,
		`a unless b for each`:         `position 12: want "and" or the end, have "for"`,
		`a unless on (b`:              `position 15: want "," or ")", have the end`,
		`a unless on b`:               `position 13: want "and" or the end, have "b"`,
		`sum by a`:                    `position 8: want "(", have "a"`,
		`sum by () (a) > 1`:           `position 9: want a label, have ")"`,
		`sum by (a) b`:                `position 12: want "(", have "b"`,
		`any by (a) (b)`:              `position 5: want "and", "for each", "unless" or the end, have "by"`,
		`a >= 16Gbit`:                 `position 6: want a number or a metric, have "16Gbit"`,
		`a >= +Inf`:                   `position 6: want a number or a metric, have "+Inf"`,
		`a >= 1e999`:                  `position 6: want a number or a metric, have "1e999"`,
		`a >= 4 5`:                    `position 8: want "and", "for each", "unless" or the end, have "5"`,
		`a{b}`:                        `position 4: want =, !=, =~ or !~ after the label, have "}"`,
		`a{b=="c"}`:                   `position 4: want =, !=, =~ or !~ after the label, have "=="`,
		`a{b=c}`:                      `position 5: want a text in quotes, have "c"`,
		`a{b=4}`:                      `position 5: want a text in quotes, have "4"`,
		`a{b="c"`:                     `position 8: want "," or "}", have the end`,
		`a{b="c" d="e"}`:              `position 9: want "," or "}", have "d"`,
		`a{,}`:                        `position 3: want a label or "}", have ","`,
		`a{b:c="d"}`:                  `position 3: want a label or "}", have "b:c"`,
		`a{b="c}`:                     `position 5: want a text with a closing ", have none`,
		`a{b='c\`:                     `position 5: want a text with a closing ', have none`,
		`a{b="é\d"}`:                  `position 7: want \\, \", \' or \n in a text, have \d`,
		`a{b="é",c=~"("}`:             `position 12: want a regular expression, have "(": error parsing regexp: missing closing ): ` + "`(`",
		`a{b=~"c)(d"}`:                `position 6: want a regular expression, have "c)(d": error parsing regexp: unexpected ): ` + "`c)(d`",
		`a # b`:                       `position 3: want "and", "for each", "unless" or the end, have "#"`,
		`a é`:                         `position 3: want "and", "for each", "unless" or the end, have "é"`,
		`a and`:                       `position 6: want a metric, count, sum, min, max or any, have the end`,
		`a or b`:                      `position 3: want "and", "for each", "unless" or the end, have "or"`,
		`a for b in ("c")`:            `position 7: want "each", have "b"`,
		`a for each "b"`:              `position 12: want a label, have "b"`,
		`a for each b ("c")`:          `position 14: want "in", have "("`,
		`a for each b in "c"`:         `position 17: want "(", have "c"`,
		`a for each b in ()`:          `position 18: want a text in quotes, have ")"`,
		`a for each b in ("c" "d")`:   `position 22: want "," or ")", have "d"`,
		`a for each b in ("c", "c")`:  `position 23: want each name once, have "c" twice`,
		`a for each b in ("")`:        `position 18: want a name, have none`,
		`a for each b in (c)`:         `position 18: want a text in quotes, have "c"`,
		`any(a) > 1`:                  `position 8: want "and", "for each" or the end, have ">"`,
		`a for each b in ("c") and 1`: `position 27: want a metric, count, sum, min, max or any, have "1"`,
	} {
		if _, err := New("n", text); err == nil || err.Error() != want {
			t.Errorf("%s:\nhave %v\nwant %s", text, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	for _, tc := range []struct{ text, findings string }{
		{"ports: count(a) >= 4\n", ""},
		{"ports: {expect: 'count(a) >= 4', collector: hba}\n", ""},
		{"ports:\n", "c.yml:1:8: ports: want expect: and an expression"},
		{"ports: [a]\n", "c.yml:1:8: ports: want an expression, or a mapping that has one, have a list"},
		{"ports:\n  collector: hba\n", "c.yml:2:3: ports: want expect: and an expression"},
		{"ports:\n  expect: [a]\n", "c.yml:2:11: want a single value, have a list"},
		{"ports:\n  expect: count(a)\n", "c.yml:2:11: ports: position 9: want a comparison (==, !=, >, >=, < or <=), have the end"},
		{"ports:\n  expects: a\n", "c.yml:2:3: unknown key \"expects\", do you mean expect?\nc.yml:2:3: ports: want expect: and an expression"},
		{"ports:\n  expect: a\n  collector: hbe\n", `c.yml:3:14: ports: unknown collector "hbe", do you mean hba?`},
		{"\"a\\tb\": a\n", `c.yml:1:9: want a name of at most 100 letters, have "a\tb"`},
		{"a: a{\nb: b{\n", "c.yml:1:4: a: position 3: want a label or \"}\", have the end\nc.yml:2:4: b: position 3: want a label or \"}\", have the end"},
	} {
		d := document.Parse("c.yml", []byte(tc.text))
		Read(d.Root(), []string{"hba", "textfile"})
		if have := d.Findings().Detail(); have != tc.findings {
			t.Errorf("%q:\nhave %s\nwant %s", tc.text, have, tc.findings)
		}
	}
	d := document.Parse("c.yml", []byte("b: y > 1 and x\na: {expect: x, collector: hba}\n"))
	s := NewSet(Read(d.Root(), []string{"hba"})...)
	if l := s.list; len(l) != 2 || l[0].Name != "b" || l[1].Name != "a" || l[1].Collector != "hba" || l[0].Collector != "" {
		t.Errorf("read %v", l)
	}
	if f := s.families; len(f) != 2 || f[0] != "y" || f[1] != "x" {
		t.Errorf("families %v", f)
	}
	if s := NewSet(Read(document.Parse("c.yml", nil).Root(), nil)...); s != nil {
		t.Errorf("read %v from an empty document", s)
	}
}

// FuzzParse parses an expression, prints it, and parses it again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`count(node_hba_fc_port_speed_bits_per_second >= 16e9) >= 4`, `a{b=~"c|d",e!='\n'} == 2 for each x in ("1", "2") and any(b)`,
		`a < 0.5 * (b{c="d"} > 0) unless on (c) e == 1 and sum by (c) (a) >= b`,
		`a{b="`, `a{b=~"(?i)x"} < -1.5e-3`, "a{b=\"\xff\"}", `x{}`, `min(a{b!~".*"} != 0) <= 1 and and`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := New("n", text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an empty error")
			}
			return
		}
		again, err := New("n", x.String())
		if err != nil {
			t.Fatalf("%s prints %s: %v", text, x, err)
		}
		if again.String() != x.String() {
			t.Errorf("%s prints %s, and that prints %s", text, x, again)
		}
	})
}

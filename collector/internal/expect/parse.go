package expect

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// parse parses an expression:
//
//	expectation = clause { "and" clause } .
//	clause      = ( selection | "any" "(" selection ")" | total "(" selection ")" comparison )
//	              [ "for" "each" label "in" "(" text { "," text } ")" ] .
//	total       = "count" | "sum" | "min" | "max" .
//	selection   = metric [ "{" [ matcher { "," matcher } [ "," ] ] "}" ] [ comparison ] .
//	matcher     = label ( "=" | "!=" | "=~" | "!~" ) text .
//	comparison  = ( "==" | "!=" | ">" | ">=" | "<" | "<=" ) number .
func parse(text string) ([]*clause, error) {
	p := parser{lexer: lexer{text: text}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	var all []*clause
	for {
		c, err := p.clause()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		switch {
		case p.have.kind == 0:
			return all, nil
		case !p.isWord("and"):
			return nil, p.want(`"and", "for each" or the end`)
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// A parser parses tokens with one token of lookahead.
type parser struct {
	lexer
	have token
}

func (p *parser) advance() (err error) {
	p.have, err = p.next()
	return err
}

// want returns the error that the token is not what was wanted.
func (p *parser) want(what string) error {
	return p.errorf(p.have.at, "want %s, have %v", what, p.have)
}

func (p *parser) isWord(word string) bool { return p.have.kind == 'n' && p.have.text == word }
func (p *parser) isSign(sign string) bool { return p.have.kind == '=' && p.have.text == sign }

// sign parses a sign.
func (p *parser) sign(sign string) error {
	if !p.isSign(sign) {
		return p.want(`"` + sign + `"`)
	}
	return p.advance()
}

// name parses a name; what describes it in an error.
func (p *parser) name(what string) (string, error) {
	if p.have.kind != 'n' {
		return "", p.want(what)
	}
	name := p.have.text
	return name, p.advance()
}

// text parses a text in quotes; what describes it in an error.
func (p *parser) text(what string) (string, error) {
	if p.have.kind != '"' {
		return "", p.want(what)
	}
	value := p.have.value
	return value, p.advance()
}

func (p *parser) clause() (*clause, error) {
	c, at := &clause{}, p.have.at
	name, err := p.name("a metric, count, sum, min, max or any")
	if err != nil {
		return nil, err
	}
	if !p.isSign("(") {
		c.selection, err = p.selection(name)
	} else {
		err = p.call(c, name, at)
	}
	if err == nil && p.isWord("for") {
		err = p.each(c)
	}
	return c, err
}

// call parses what follows the name of a function.
func (p *parser) call(c *clause, name string, at int) error {
	f := slices.Index(functionNames[:], name)
	if f <= 0 {
		return p.errorf(at, "want count, sum, min, max or any before \"(\", have %q", name)
	}
	c.function = function(f)
	if err := p.advance(); err != nil {
		return err
	}
	metric, err := p.name("a metric")
	if err != nil {
		return err
	}
	if c.selection, err = p.selection(metric); err != nil {
		return err
	}
	if !p.isSign(")") {
		return p.want(c.selection.continuations() + `")"`)
	}
	if err := p.advance(); err != nil || c.function == funcAny {
		return err
	}
	if c.total, err = p.comparison(); err == nil && c.total.op == opNone {
		err = p.want("a comparison (==, !=, >, >=, < or <=)")
	}
	return err
}

// selection parses what follows the name of a metric.
func (p *parser) selection(metric string) (selection, error) {
	s := selection{metric: metric}
	if p.isSign("{") {
		s.hasBraces = true
		if err := p.matchers(&s); err != nil {
			return s, err
		}
	}
	var err error
	s.comparison, err = p.comparison()
	return s, err
}

func (p *parser) matchers(s *selection) error {
	if err := p.advance(); err != nil {
		return err
	}
	for !p.isSign("}") {
		m, err := p.matcher()
		if err != nil {
			return err
		}
		s.matchers = append(s.matchers, m)
		if p.isSign("}") {
			break
		}
		if !p.isSign(",") {
			return p.want(`"," or "}"`)
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	return p.advance()
}

func (p *parser) matcher() (matcher, error) {
	label, err := p.label(`a label or "}"`)
	if err != nil {
		return matcher{}, err
	}
	m := matcher{label: label, sign: p.have.text}
	if p.have.kind != '=' || !slices.Contains([]string{"=", "!=", "=~", "!~"}, m.sign) {
		return m, p.want("=, !=, =~ or !~ after the label")
	}
	if err := p.advance(); err != nil {
		return m, err
	}
	value := p.have
	if m.value, err = p.text("a text in quotes"); err != nil {
		return m, err
	}
	if strings.HasSuffix(m.sign, "~") {
		if _, err = regexp.Compile(m.value); err == nil { // otherwise it could close the group below
			m.pattern, err = regexp.Compile("^(?s:" + m.value + ")$")
		}
		if err != nil {
			return m, p.errorf(value.at, "want a regular expression, have %v: %v", value, err)
		}
	}
	return m, nil
}

// label parses the name of a label, which has no colon.
func (p *parser) label(what string) (string, error) {
	if strings.Contains(p.have.text, ":") {
		return "", p.want(what)
	}
	return p.name(what)
}

// comparison parses an optional comparison.
func (p *parser) comparison() (comparison, error) {
	if p.isSign("=") {
		return comparison{}, p.errorf(p.have.at, `want a comparison (==, !=, >, >=, < or <=), have "=": do you mean "=="?`)
	}
	c := comparison{op: op(max(slices.Index(opSigns[:], p.have.text), 0))}
	if p.have.kind != '=' || c.op == opNone {
		return comparison{}, nil
	}
	if err := p.advance(); err != nil {
		return c, err
	}
	if p.have.kind != '0' {
		return c, p.want("a number")
	}
	var err error
	c.text = p.have.text
	c.number, err = strconv.ParseFloat(p.have.text, 64)
	if err != nil || math.IsInf(c.number, 0) || math.IsNaN(c.number) {
		return c, p.want("a number")
	}
	return c, p.advance()
}

// each parses "for each label in (...)".
func (p *parser) each(c *clause) (err error) {
	for _, word := range []string{"for", "each"} {
		if !p.isWord(word) {
			return p.want(`"` + word + `"`)
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	if c.label, err = p.label("a label"); err != nil {
		return err
	}
	if !p.isWord("in") {
		return p.want(`"in"`)
	}
	if err := p.advance(); err != nil {
		return err
	}
	if err := p.sign("("); err != nil {
		return err
	}
	for {
		tok := p.have
		value, err := p.text("a text in quotes")
		switch {
		case err != nil:
			return err
		case value == "":
			return p.errorf(tok.at, "want a name, have none")
		case slices.Contains(c.values, value):
			return p.errorf(tok.at, "want each name once, have %v twice", tok)
		}
		c.values = append(c.values, value)
		if p.isSign(")") {
			return p.advance()
		}
		if !p.isSign(",") {
			return p.want(`"," or ")"`)
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
}

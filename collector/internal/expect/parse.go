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
//	              [ "for" "each" label "in" "(" text { "," text } ")" ]
//	            | ( series versus | selection | total by "(" selection ")" ( comparison | versus ) )
//	              [ "unless" [ "on" labels ] selection ] .
//	total       = "count" | "sum" | "min" | "max" .
//	by          = "by" labels .
//	labels      = "(" label { "," label } ")" .
//	selection   = series [ comparison ] .
//	series      = metric [ "{" [ matcher { "," matcher } [ "," ] ] "}" ] .
//	matcher     = label ( "=" | "!=" | "=~" | "!~" ) text .
//	comparison  = operator number .
//	versus      = operator [ number "*" ] ( series | "(" selection ")" ) .
//	operator    = "==" | "!=" | ">" | ">=" | "<" | "<=" .
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
			return nil, p.want(c.continuations())
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

// parseMatchers parses the matchers of a selection without its braces.
func parseMatchers(text string) ([]matcher, error) {
	p := parser{lexer: lexer{text: text}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	var all []matcher
	for {
		m, err := p.matcher()
		if err != nil {
			return nil, err
		}
		all = append(all, m)
		switch {
		case p.have.kind == 0:
			return all, nil
		case !p.isSign(","):
			return nil, p.want(`"," or the end`)
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
	if f := slices.Index(functionNames[:], name); p.isWord("by") && f >= int(funcCount) {
		if err = p.advance(); err == nil {
			c.by, err = p.labels()
		}
		if err == nil && !p.isSign("(") {
			err = p.want(`"("`)
		}
	}
	switch {
	case err != nil:
	case p.isSign("("):
		err = p.call(c, name, at)
	default:
		if c.selection, err = p.series(name); err == nil {
			c.selection.comparison, err = p.versus()
		}
	}
	switch {
	case err != nil:
	case p.isWord("for") && !c.hasTable():
		err = p.each(c)
	case p.isWord("unless") && (c.function == funcEach || c.by != nil):
		err = p.unless(c)
	}
	return c, err
}

// continuations returns what may follow a clause, for an error.
func (c *clause) continuations() string {
	switch {
	case c.label != "" || c.unless != nil:
		return `"and" or the end`
	case c.hasTable():
		return `"and", "unless" or the end`
	case c.function == funcEach:
		return `"and", "for each", "unless" or the end`
	}
	return `"and", "for each" or the end`
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
	compare := p.comparison
	if c.by != nil {
		compare = p.versus
	}
	if c.total, err = compare(); err == nil && c.total.op == opNone {
		err = p.want("a comparison (==, !=, >, >=, < or <=)")
	}
	return err
}

// selection parses what follows the name of a metric.
func (p *parser) selection(metric string) (selection, error) {
	s, err := p.series(metric)
	if err == nil {
		s.comparison, err = p.comparison()
	}
	return s, err
}

// series parses what follows the name of a metric, without a comparison.
func (p *parser) series(metric string) (selection, error) {
	s := selection{metric: metric}
	if !p.isSign("{") {
		return s, nil
	}
	s.hasBraces = true
	return s, p.matchers(&s)
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

// comparison parses an optional comparison with a number.
func (p *parser) comparison() (comparison, error) {
	c, err := p.operator()
	if err != nil || c.op == opNone {
		return c, err
	}
	c.number, c.text, err = p.number("a number")
	return c, err
}

// versus parses an optional comparison with a number or with other samples.
func (p *parser) versus() (comparison, error) {
	c, err := p.operator()
	if err != nil || c.op == opNone {
		return c, err
	}
	c.factor = 1
	if p.have.kind == '0' {
		if c.number, c.text, err = p.number("a number or a metric"); err != nil || !p.isSign("*") {
			return c, err
		}
		c.factor, c.scale, c.number, c.text = c.number, c.text, 0, ""
		if err := p.advance(); err != nil {
			return c, err
		}
	}
	inParentheses := p.isSign("(")
	if inParentheses {
		if err := p.advance(); err != nil {
			return c, err
		}
	}
	what := "a metric"
	if c.scale == "" && !inParentheses {
		what = "a number or a metric"
	}
	name, err := p.name(what)
	if err != nil {
		return c, err
	}
	parse := p.series
	if inParentheses {
		parse = p.selection
	}
	other, err := parse(name)
	if err == nil && inParentheses {
		if !p.isSign(")") {
			return c, p.want(other.continuations() + `")"`)
		}
		err = p.advance()
	}
	c.other = &other
	return c, err
}

// operator parses an optional comparison operator.
func (p *parser) operator() (comparison, error) {
	if p.isSign("=") {
		return comparison{}, p.errorf(p.have.at, `want a comparison (==, !=, >, >=, < or <=), have "=": do you mean "=="?`)
	}
	c := comparison{op: op(max(slices.Index(opSigns[:], p.have.text), 0))}
	if p.have.kind != '=' || c.op == opNone {
		return comparison{}, nil
	}
	return c, p.advance()
}

// number parses a number; what describes it in an error.
func (p *parser) number(what string) (v float64, text string, err error) {
	if p.have.kind != '0' {
		return 0, "", p.want(what)
	}
	text = p.have.text
	v, err = strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, "", p.want(what)
	}
	return v, text, p.advance()
}

// unless parses "unless" and what follows it.
func (p *parser) unless(c *clause) error {
	if err := p.advance(); err != nil {
		return err
	}
	x := &exclusion{}
	name, err := p.name("a metric or on")
	if err == nil && name == "on" && p.isSign("(") {
		if x.on, err = p.labels(); err == nil {
			name, err = p.name("a metric")
		}
	}
	if err == nil {
		x.selection, err = p.selection(name)
	}
	c.unless = x
	return err
}

// labels parses a list of labels in parentheses.
func (p *parser) labels() (all []string, err error) {
	for sign := "("; ; sign = "," {
		if err := p.sign(sign); err != nil {
			return nil, err
		}
		label, err := p.label("a label")
		if err != nil {
			return nil, err
		}
		all = append(all, label)
		switch {
		case p.isSign(")"):
			return all, p.advance()
		case !p.isSign(","):
			return nil, p.want(`"," or ")"`)
		}
	}
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

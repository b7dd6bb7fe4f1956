package hba

import "github.com/hostexporter/host_exporter/collector/hba/internal/fcstat"

// emitTroubles emits how it went with asking the firmware of each host, for its
// counters and for all else.
func (c *hbaCollector) emitTroubles() {
	for _, h := range c.hosts.Included {
		var errors [fcstat.NumReasons]uint64
		asked, stuck := false, false
		for i, answer := range c.answers {
			if c.asked[i].Name == h.Name && answer.Asked {
				errors, asked, stuck = answer.Errors, true, answer.Stuck
			}
		}
		if c.slow.options.any() {
			health := c.slow.reader.Health(h.Host)
			if health.Err != nil {
				c.Out.Error(health.Err)
			}
			for reason, n := range health.Errors {
				errors[reason] += n
			}
			asked, stuck = asked || health.Asked, stuck || health.Stuck
		}
		if asked {
			c.firmware.emitTroubles(c.Out, h.Name, &errors, stuck)
		}
	}
}

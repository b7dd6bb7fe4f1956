package fcstat

import "strings"

// A Driver says which statistics of one driver to read. Each file that is read
// makes the driver ask its firmware for the whole block again, on lpfc twice, so
// that only those files are read that the driver fills.
type Driver struct {
	reads   Set // files to read
	inherit Set // filled with zeros by the driver, but part of the inherited families

	// copies is true for lpfc: error_frames is a copy of invalid_crc_count, and
	// fcp_packet_aborts is never filled. Neither is worth two firmware commands.
	copies bool

	// software is true where statistics are a sum in memory, without firmware.
	software bool

	// known is false for a driver outside the table: then a pass finds out what
	// it supports.
	known bool

	// Megabyte is the driver's megabyte in bytes. It is zero where it is not
	// known, or where the driver counts wrongly.
	Megabyte float64

	// FPIN reports whether the driver feeds the fpin_* counters. Others show
	// them as zeros.
	FPIN bool
}

// Sets of counters that drivers fill together.
func traffic() Set  { return Of(Seconds, TxFrames, RxFrames, TxWords, RxWords) }
func link() Set     { return Of(LinkFailure, LossOfSync, LossOfSignal, PrimSeqErrors) }
func requests() Set { return Of(InputRequests, OutputRequests, ControlRequests) }
func payload() Set  { return Of(InputMegabytes, OutputMegabytes) }
func software() Set {
	return Of(PacketAllocFailures, PacketAborts, FrameAllocFailures, NoFreeExchange, NoFreeExchangeID,
		ExchangeIDNotFound, ExchangeIDBusy, SequenceNotFound, NonBLSResponse)
}
func congestion() Set { return Of(CongestionWarnings, CongestionAlarms) }

// DriverOf returns what is known of a driver from its source in Linux 6.12
// (get_fc_host_stats). Counters that a driver leaves at zero are read only where
// an inherited family shows that zero, and those that it declares unsupported
// (all-ones) not at all.
func DriverOf(name, portType string) Driver {
	const decimal, binary = 1e6, 1 << 20
	switch name {
	case "lpfc":
		d := Driver{known: true, copies: true, FPIN: true}
		d.reads = traffic() | link() | congestion() | Of(InvalidTxWords, InvalidCRC)
		if strings.Contains(portType, "LPort") { // NLPort and LPort: a loop has no NOS
			d.reads |= Of(LIP)
		} else {
			d.reads |= Of(NOS)
		}
		return d
	case "qla2xxx":
		return Driver{known: true, FPIN: true, Megabyte: binary,
			reads: traffic() | link() | requests() | payload() |
				Of(ErrorFrames, DumpedFrames, InvalidCRC, InvalidTxWords, NOS, LIP)}
	case "fnic":
		return Driver{known: true, Megabyte: decimal,
			reads:   traffic() | payload() | Of(ErrorFrames, DumpedFrames, InvalidCRC),
			inherit: Of(NOS, LinkFailure, LossOfSync, LossOfSignal, InvalidTxWords, PacketAborts)}
	case "fcoe":
		return Driver{known: true, software: true, Megabyte: decimal,
			reads:   traffic() | requests() | payload() | software() | Of(ErrorFrames, InvalidCRC, LinkFailure),
			inherit: Of(InvalidTxWords)}
	case "bnx2fc":
		return Driver{known: true, Megabyte: decimal,
			reads:   traffic() | requests() | payload() | software() | Of(ErrorFrames, InvalidCRC, LinkFailure),
			inherit: Of(DumpedFrames, NOS, LossOfSync, LossOfSignal, InvalidTxWords)}
	case "qedf":
		// Its words and megabytes are computed wrongly in the kernel.
		return Driver{known: true,
			reads: requests() | software() |
				Of(Seconds, TxFrames, RxFrames, ErrorFrames, DumpedFrames, InvalidCRC, LinkFailure),
			inherit: Of(InvalidTxWords)}
	case "bfa":
		return Driver{known: true,
			reads:   traffic() | link() | Of(ErrorFrames, DumpedFrames, InvalidCRC, NOS, LIP),
			inherit: Of(InvalidTxWords, PacketAborts)}
	case "zfcp":
		return Driver{known: true, Megabyte: decimal,
			reads: traffic() | link() | requests() | payload() |
				Of(ErrorFrames, DumpedFrames, InvalidCRC, InvalidTxWords, NOS, LIP),
			inherit: Of(PacketAborts)}
	case "csiostor":
		// Each read adds the totals of the hardware to the totals shown: the
		// more one reads the more there is.
		return Driver{known: true}
	case "efct":
		return Driver{reads: all(), Megabyte: binary}
	}
	return Driver{reads: all() &^ payload(), FPIN: true}
}

func all() Set { return 1<<counters - 1 }

// rarelyFilled returns the counters that few drivers fill: a zero in one of them
// means nothing where the driver is not in the table.
func rarelyFilled() Set { return congestion() | software()&^Of(PacketAborts) }

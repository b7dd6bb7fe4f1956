package fcstat

import "strings"

// A Driver says what to read of the statistics of one driver. Each file that
// is read makes the driver ask its firmware for the whole block again (twice
// on lpfc), so that no more is read than the driver really fills.
type Driver struct {
	reads   Set // files to read
	inherit Set // filled with zeros by the driver, but part of the inherited families

	// lpfc: error_frames is a copy of invalid_crc_count, and fcp_packet_aborts
	// is never filled. Neither is worth two firmware commands.
	copies bool

	// Software makes statistics a sum in memory: there is no firmware to spare.
	software bool

	// known is false for a driver that is not in the table: then a pass finds
	// out what it supports.
	known bool

	// Megabyte is what the driver takes for a megabyte, in bytes; zero where it
	// is not known, or where what it counts is wrong.
	Megabyte float64

	// FPIN tells whether the driver feeds the fpin_* counters. Others show
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

// Inherited returns the counters that the inherited families show.
func Inherited() Set {
	return traffic() | Of(ErrorFrames, DumpedFrames, InvalidCRC, InvalidTxWords, LinkFailure, LossOfSync,
		LossOfSignal, NOS, PacketAborts)
}

// DriverOf returns what is known of a driver, from reading its source in Linux
// 6.12 (get_fc_host_stats). Counters that a driver leaves at zero are read only
// where an inherited family would show that zero, and those that it declares
// unsupported (all-ones) not at all.
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

// quiet are counters that few drivers fill: of a driver that is not in the
// table, a zero in one of them means nothing.
func quiet() Set { return congestion() | software()&^Of(PacketAborts) }

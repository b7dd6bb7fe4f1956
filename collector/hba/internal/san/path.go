package san

// A WayState is what the transport says of a way.
type WayState int

// The states of ways.
const (
	Open WayState = iota // or not known
	Marginal
	Blocked
)

// A Way is the far end of the way to a device.
type Way struct {
	TargetPort string // its name; empty when not known
	Portal     string // the port of the network that it leads to, where TargetPort is the name of more than a port
	State      WayState
}

// Port returns the port that the way leads to.
func (w *Way) Port() string {
	if w.Portal != "" {
		return w.Portal
	}
	return w.TargetPort
}

// A Near is the near end of all ways from a host. What is not known is empty.
type Near struct {
	Port    string // that hosts with the same one share
	Adapter string
}

// A Health says how well a path of a device is.
type Health int

// The healths, from bad to good. A path that several of them apply to has the
// first of them.
const (
	PathFailed Health = iota
	PathOffline
	PathBlocked
	PathStandby
	PathMarginal
	PathNonOptimized
	PathOptimized
	NumHealths
)

var healths = [NumHealths]string{"failed", "offline", "blocked", "standby", "marginal", "non_optimized", "optimized"}

// String returns the health as a label value.
func (h Health) String() string { return healths[h] }

// Usable reports whether the path takes I/O.
func (h Health) Usable() bool { return h >= PathMarginal }

// A Component is what a path depends on.
type Component int

// The components of paths.
const (
	InitiatorPort Component = iota
	TargetPort
	Fabric
	Adapter
	NumComponents
)

var components = [NumComponents]string{"initiator_port", "target_port", "fabric", "adapter"}

// String returns the component as a label value.
func (c Component) String() string { return components[c] }

// A Path is a block device as a path of a multipath map.
type Path struct {
	StateKnown bool   // whether the kernel shows the state of the device
	Health     Health // by all that the kernel shows; where the state is not known, as if the device were running

	// Components are what the path depends on, empty for what it does not. Several
	// of one kind, any of which is enough, are separated by a space.
	Components [NumComponents]string

	TargetPort string // name of the target port, as a label value

	// Label values, empty for what the device does not have.
	HCTL, SCSIHost, FCHost, Rport string
}

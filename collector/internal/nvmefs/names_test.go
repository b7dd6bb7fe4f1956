package nvmefs

import "testing"

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name, instance         string
		controller, head, path bool
	}{
		{name: "nvme0", controller: true},
		{name: "nvme12", controller: true},
		{name: "nvme0n1", instance: "1", head: true},
		{name: "nvme10n20", instance: "20", head: true},
		{name: "nvme3c4n15", instance: "15", path: true},
		{name: "nvme"}, {name: "nvmex"}, {name: "nvme0x"}, {name: "nvme0n"}, {name: "nvme0n1p1"}, {name: "nvme0c1"},
		{name: "nvme0cn1"}, {name: "nvmen1"}, {name: "ng0n1"}, {name: "nvme-fabrics"}, {name: "nvme-subsys0"}, {name: ""},
	} {
		instance, ok := namespaceInstance(c.name)
		if IsController(c.name) != c.controller || ok != (c.head || c.path) || ok && instance != c.instance || IsHead(c.name) != c.head {
			t.Errorf("%q: controller %v, namespace %q %v, head %v", c.name, IsController(c.name), instance, ok, IsHead(c.name))
		}
	}
}

func TestHeadOf(t *testing.T) {
	for path, want := range map[string]string{
		"nvme3c4n1": "nvme3n1", "nvme10c20n30": "nvme10n30", "nvme3n1": "", "nvme3": "", "nvme3c4": "", "ng3n1": "", "nvme3c4n1p1": "", "": "",
	} {
		if have, ok := HeadOf(path); have != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", path, have, ok, want)
		}
	}
}

func TestIsSubsystem(t *testing.T) {
	for name, want := range map[string]bool{"nvme-subsys0": true, "nvme-subsys12": true, "nvme-subsys": false, "nvme0": false, "nvme-subsysx": false} {
		if IsSubsystem(name) != want {
			t.Errorf("%q is a subsystem: %v", name, !want)
		}
	}
}

package nvmefs

import "testing"

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"traddr=10.9.1.1,trsvcid=4420,src_addr=10.9.1.1":                               {Target: "10.9.1.1", Service: "4420", Source: "10.9.1.1"},
		"traddr=fe80::1%eth0,trsvcid=4420,host_traddr=fe80::2,host_iface=eth0":         {Target: "fe80::1%eth0", Service: "4420", HostTarget: "fe80::2", HostInterface: "eth0"},
		"traddr=nn-0x20000090fa94277a:pn-0x10000090FA94277A,host_traddr=nn-0x2:pn-0x1": {Target: "10000090fa94277a", HostTarget: "0000000000000001"},
		"0000:01:00.0": {Target: "0000:01:00.0"},
		"":             {},
		"traddr=none,trsvcid=none,host_traddr=none,host_iface=none": {},
		"traddr=(null)":                       {},
		"traddr=a,later,new_key=1,=,trsvcid=": {Target: "a"},
	} {
		if have := ParseAddress(text); have != want {
			t.Errorf("%q: %+v, want %+v", text, have, want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("traddr=nn-0x20000090fa94277a:pn-0x10000090fa94277a,host_traddr=nn-0x20000090fa942779:pn-0x10000090fa942779")
	f.Add("traddr=10.9.1.1,trsvcid=4420,src_addr=10.9.1.1")
	f.Fuzz(func(_ *testing.T, text string) { ParseAddress(text) })
}

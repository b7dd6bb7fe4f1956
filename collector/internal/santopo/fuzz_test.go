package santopo

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"testing"
)

// FuzzTopology draws the picture of any samples: as a tree, as JSON, and as an SVG that is
// well-formed XML.
func FuzzTopology(f *testing.F) {
	for _, name := range []string{"hba/hba.prom", "hba/hba.iscsi.prom"} {
		if text, err := os.ReadFile("../../../testdata/" + name); err == nil {
			f.Add(text[:min(len(text), 4000)])
		}
	}
	f.Add([]byte("node_hba_fc_remote_port_info{fc_host=\"host1\",port_name=\"50\",rport=\"rport-1:0-0\",roles=\"FCP Target\"} 1\n" +
		"node_hba_multipath_path_info{device=\"a\",path=\"sda\",scsi_host=\"host1\"} 1\nnode_hba_multipath_paths{device=\"a\",health=\"usable\"} 1\n"))
	f.Add([]byte("node_filesystem_size_bytes{device=\"/dev/\\\\<a>\",mountpoint=\"&\"} NaN\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		topology, err := parse(text)
		if err != nil {
			return
		}
		if err := topology.WriteTree(io.Discard, "host", TreeOptions{}); err != nil {
			t.Error(err)
		}
		var b bytes.Buffer
		if err := topology.WriteJSON(&b); err != nil || !json.Valid(b.Bytes()) {
			t.Errorf("%v: %s", err, b.Bytes())
		}
		svg := topology.AppendSVG(nil, true)
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, svg)
			}
		}
	})
}

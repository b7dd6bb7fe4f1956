package network

// An lnstatColumn is a column that kernels have in a file of /proc/net/stat.
type lnstatColumn struct{ name, help string }

// lnstatColumns returns the columns of the neighbour tables (arp_cache,
// ndisc_cache), of rt_cache, nf_conntrack and synproxy. See lnstat(8), struct
// neigh_statistics in include/net/neighbour.h, struct rt_cache_stat in
// include/net/route.h, struct ip_conntrack_stat in
// include/linux/netfilter/nf_conntrack_common.h and struct synproxy_stats in
// include/net/netfilter/nf_synproxy.h of the kernel.
//
// Since Linux 3.6, which has no routing cache, the kernel counts only the
// in_slow_*, in_no_route, in_brd, in_martian_* and out_slow_* of rt_cache.
func lnstatColumns() []lnstatColumn {
	return []lnstatColumn{
		{"entries", "Entries in the table, the same for each CPU."},

		{"allocs", "Neighbour entries allocated."},
		{"destroys", "Neighbour entries freed."},
		{"hash_grows", "Times that the hash table of neighbours grew."},
		{"lookups", "Neighbour lookups."},
		{"hits", "Neighbour lookups that found an entry."},
		{"res_failed", "Neighbour addresses that could not be resolved."},
		{"rcv_probes_mcast", "Multicast neighbour solicitations received."},
		{"rcv_probes_ucast", "Unicast neighbour solicitations received."},
		{"periodic_gc_runs", "Periodic garbage collections of the neighbour table."},
		{"forced_gc_runs", "Garbage collections because the neighbour table was too large."},
		{"unresolved_discards", "Packets dropped because the neighbour's address was not resolved."},
		{"table_fulls", "Neighbour entries not made because the table was full."},

		{"in_hit", "Received packets whose route was in the routing cache."},
		{"in_slow_tot", "Received packets whose route was looked up."},
		{"in_slow_mc", "Received multicast packets whose route was looked up."},
		{"in_no_route", "Received packets without a route."},
		{"in_brd", "Received broadcast packets whose route was looked up."},
		{"in_martian_dst", "Received packets with an impossible destination address."},
		{"in_martian_src", "Received packets with an impossible source address."},
		{"out_hit", "Sent packets whose route was in the routing cache."},
		{"out_slow_tot", "Sent packets whose route was looked up."},
		{"out_slow_mc", "Sent multicast packets whose route was looked up."},
		{"gc_total", "Garbage collections of the routing cache."},
		{"gc_ignored", "Garbage collections of the routing cache skipped as too frequent."},
		{"gc_goal_miss", "Garbage collections of the routing cache that freed too few entries."},
		{"gc_dst_overflow", "Times that the routing cache was full."},
		{"in_hlist_search", "Entries of the routing cache compared for received packets."},
		{"out_hlist_search", "Entries of the routing cache compared for sent packets."},

		{"searched", "Connection tracking entries compared in lookups."},
		{"clashres", "Insertions that clashed with an equal connection and were resolved."},
		{"found", "Connection tracking lookups that found an entry."},
		{"new", "Connections that were not expected before."},
		{"invalid", "Packets that could not be tracked."},
		{"ignore", "Packets of connections that were already tracked."},
		{"delete", "Connection tracking entries deleted."},
		{"delete_list", "Connection tracking entries put on the list of dying entries."},
		{"chainlength", "Connections not inserted because their hash chain was too long."},
		{"insert", "Connection tracking entries inserted."},
		{"insert_failed", "Connection tracking entries not inserted because the table already had them."},
		{"drop", "Packets dropped because connection tracking failed."},
		{"early_drop", "Connection tracking entries dropped to make room for new ones."},
		{"icmp_error", "ICMP errors that connection tracking did not accept."},
		{"expect_new", "Connections that were expected before."},
		{"expect_create", "Connection expectations created."},
		{"expect_delete", "Connection expectations deleted."},
		{"search_restart", "Connection tracking lookups restarted because the table was resized."},

		{"syn_received", "SYN packets received by the SYN proxy."},
		{"cookie_invalid", "Packets with an invalid SYN cookie received by the SYN proxy."},
		{"cookie_valid", "Packets with a valid SYN cookie received by the SYN proxy."},
		{"cookie_retrans", "SYN packets sent again by the SYN proxy to the server."},
		{"conn_reopened", "Connections reopened through the SYN proxy."},
	}
}

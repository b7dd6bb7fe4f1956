package storage

// nfsMethods2 are the procedures of NFSv2, by number. See RFC 1094.
func nfsMethods2() []string {
	return []string{
		"Null", "GetAttr", "SetAttr", "Root", "Lookup", "ReadLink", "Read", "WrCache", "Write",
		"Create", "Remove", "Rename", "Link", "SymLink", "MkDir", "RmDir", "ReadDir", "FsStat",
	}
}

// nfsMethods3 are the procedures of NFSv3, by number. See RFC 1813.
func nfsMethods3() []string {
	return []string{
		"Null", "GetAttr", "SetAttr", "Lookup", "Access", "ReadLink", "Read", "Write", "Create", "MkDir", "SymLink",
		"MkNod", "Remove", "RmDir", "Rename", "Link", "ReadDir", "ReadDirPlus", "FsStat", "FsInfo", "PathConf", "Commit",
	}
}

// nfsMethods4 are the compound requests that the client makes of NFSv4, in the
// order of NFSPROC4_CLNT_* in include/linux/nfs4.h. New kernels add theirs at
// the end, so that a shorter list is one of an older kernel. /proc/*/mountstats
// has the names in the same order.
func nfsMethods4() []string {
	return []string{
		"Null", "Read", "Write", "Commit", "Open", "OpenConfirm", "OpenNoattr", "OpenDowngrade", "Close", "Setattr",
		"FsInfo", "Renew", "SetClientID", "SetClientIDConfirm", "Lock", "Lockt", "Locku", "Access", "Getattr", "Lookup",
		"LookupRoot", "Remove", "Rename", "Link", "Symlink", "Create", "Pathconf", "StatFs", "ReadLink", "ReadDir",
		"ServerCaps", "DelegReturn", "GetACL", "SetACL", "FsLocations", "ReleaseLockowner", "Secinfo", "FsidPresent",
		// NFSv4.1
		"ExchangeID", "CreateSession", "DestroySession", "Sequence", "GetLeaseTime", "ReclaimComplete", "LayoutGet",
		"GetDeviceInfo", "LayoutCommit", "LayoutReturn", "SecinfoNoName", "TestStateID", "FreeStateID", "GetDeviceList",
		"BindConnToSession", "DestroyClientID",
		// NFSv4.2
		"Seek", "Allocate", "DeAllocate", "LayoutStats", "Clone", "Copy", "OffloadCancel", "Lookupp", "LayoutError",
		"CopyNotify", "GetXattr", "SetXattr", "ListXattrs", "RemoveXattr", "ReadPlus",
	}
}

// nfsdOperations are the operations of NFSv4, by number: what a compound
// request that a server gets is made of. See RFC 7530. Numbers 0 to 2 are no
// operations. Those from number 40 on (NFSv4.1)
// never had a series, and would change every sum over them: SEQUENCE alone
// is in each compound request.
func nfsdOperations() []string {
	return []string{
		"", "", "", "Access", "Close", "Commit", "Create", "DelegPurge", "DelegReturn", "GetAttr",
		// LOOKUPP goes by a name that stands for it since long.
		"GetFH", "Link", "Lock", "Lockt", "Locku", "Lookup", "LookupRoot", "Nverify", "Open", "OpenAttr",
		"OpenConfirm", "OpenDgrd", "PutFH", "PutPubFH", "PutRootFH", "Read", "ReadDir", "ReadLink", "Remove", "Rename",
		"Renew", "RestoreFH", "SaveFH", "SecInfo", "SetAttr", "SetClientID", "SetClientIDConfirm", "Verify", "Write", "RelLockOwner",
	}
}

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

// nfsMethods4 are the NFSv4 compound requests of the client, in the order of
// NFSPROC4_CLNT_* in include/linux/nfs4.h. Kernels add new ones at the end, so
// that an older kernel has a shorter list. /proc/*/mountstats has the names in
// the same order.
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

// nfsdOperations are the operations in NFSv4 compound requests, by number. See
// RFC 7530. Numbers 0 to 2 are no operations. PUTPUBFH and PUTROOTFH, numbers 23
// and 24, and those from 40 on (NFSv4.1) are left out: they have never had a
// series and would change every sum, because each mount has a PUTROOTFH and each
// compound request a SEQUENCE.
func nfsdOperations() []string {
	return []string{
		"", "", "", "Access", "Close", "Commit", "Create", "DelegPurge", "DelegReturn", "GetAttr",
		// LOOKUPP, number 16, has the inherited name LookupRoot.
		"GetFH", "Link", "Lock", "Lockt", "Locku", "Lookup", "LookupRoot", "Nverify", "Open", "OpenAttr",
		"OpenConfirm", "OpenDgrd", "PutFH", "", "", "Read", "ReadDir", "ReadLink", "Remove", "Rename",
		"Renew", "RestoreFH", "SaveFH", "SecInfo", "SetAttr", "SetClientID", "SetClientIDConfirm", "Verify", "Write", "RelLockOwner",
	}
}

// The settings of the mixin. Their names are those of node-mixin, so that a
// configuration for it can be used here.
{
  _config+:: {
    // Which series to look at: all that have a job. A job with another exporter that
    // uses the same names needs a narrower one, such as 'job="node"'.
    nodeExporterSelector: 'job!=""',

    fsSelector: 'fstype!=""',
    fsMountpointSelector: 'mountpoint!~"/(run|var/lib/(docker|containers|kubelet))($|/.*)"',
    diskDeviceSelector: 'device=~"(/dev/)?(sd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+|dasd[a-z]+|md[0-9]+|dm-[0-9]+)"',
    // The interfaces that stand for hardware.
    netDeviceSelector: 'device!~"lo|(veth|cali|cilium|flannel|tap|tun|docker|virbr|vnet|br-|dummy|ifb).*"',
    systemdUnitSelector: 'name!=""',

    fsSpaceFillingUpWarningThreshold: 15,  // percent available
    fsSpaceFillingUpCriticalThreshold: 10,
    fsSpaceAvailableWarningThreshold: 5,
    fsSpaceAvailableCriticalThreshold: 3,
    fsFilesFillingUpWarningThreshold: 40,
    fsFilesFillingUpCriticalThreshold: 20,
    fsFilesAvailableWarningThreshold: 5,
    fsFilesAvailableCriticalThreshold: 3,
    cpuHighUsageThreshold: 90,  // percent
    cpuStealThreshold: 10,  // percent
    cpuPressureThreshold: 0.5,  // of the time some task waits
    ioPressureThreshold: 0.3,  // of the time all tasks wait
    memoryPressureThreshold: 0.1,  // of the time all tasks wait
    systemSaturationPerCoreThreshold: 2,  // load per CPU, where the kernel has no pressure
    diskIOSaturationThreshold: 10,  // requests in the queue, where the kernel has no pressure
    memoryMajorPagesFaultsThreshold: 500,  // per second, where the kernel has no pressure
    memoryHighUtilizationThreshold: 90,  // percent
    diskLatencySolidStateThreshold: 0.02,  // seconds
    diskLatencyRotationalThreshold: 0.1,
    memoryCorrectableErrorsThreshold: 100,  // in a day
    networkErrorRatioThreshold: 0.01,
    linkFlappingThreshold: 4,  // changes of carrier in ten minutes
    conntrackThreshold: 75,  // percent
    listenOverflowsThreshold: 1,  // per second
    fdLimitThreshold: 90,  // percent
    osSupportThreshold: 90,  // days

    runbookURLPattern: 'https://github.com/hostexporter/host_exporter/blob/main/docs/alerts.md#%s',

    // Names of alerts to leave out.
    disabledAlerts: [],
  },
}

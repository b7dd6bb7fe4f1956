Reading package lists...
Building dependency tree...
Reading state information...
Calculating upgrade...
The following NEW packages will be installed:
  linux-image-6.1.0-50-amd64
The following packages have been kept back:
  firefox-esr
The following packages will be upgraded:
  libssl3 python3-xmltodict unzip zip
4 upgraded, 1 newly installed, 0 to remove and 1 not upgraded.
Inst unzip [6.0-28] (6.0-28+deb12u1 Debian-Security:12/oldstable-security [amd64])
Inst libssl3 [3.0.11-1~deb12u2] (3.0.17-1~deb12u3 Debian-Security:12/oldstable-security [amd64]) []
Inst linux-image-6.1.0-50-amd64 (6.1.170-1 Debian-Security:12/oldstable-security [amd64])
Inst zip [3.0-13] (3.0-13+deb12u1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])
Inst python3-xmltodict [0.13.0-1] (0.13.0-1.1~deb12u1 Debian:12.15/oldstable [all])
Conf unzip (6.0-28+deb12u1 Debian-Security:12/oldstable-security [amd64])
Conf libssl3 (3.0.17-1~deb12u3 Debian-Security:12/oldstable-security [amd64])

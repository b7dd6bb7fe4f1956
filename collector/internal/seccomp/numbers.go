package seccomp

import "fmt"

// The columns of numbers. Several architectures have the generic numbers.
const (
	x86 = iota
	i386
	generic
	arm
	n64
	o32
	ppc64
	s390x
	columns
)

// none is the number of a call that an ABI does not have.
const none = -1

// numbers has the system calls that rules can name, from the tables of Linux
// (arch/*/*.tbl, scripts/syscall.tbl).
var numbers = [...]struct {
	call   string
	number [columns]int16
}{
	//                        x86 i386 generic arm  n64   o32  ppc64 s390x
	{"execve", [columns]int16{59, 11, 221, 11, 5057, 4011, 11, 11}},
	{"execveat", [columns]int16{322, 358, 281, 387, 5316, 4356, 362, 354}},
	{"fork", [columns]int16{57, 2, none, 2, 5056, 4002, 2, 2}},
	{"vfork", [columns]int16{58, 190, none, 190, none, none, 189, 190}},
	{"clone", [columns]int16{56, 120, 220, 120, 5055, 4120, 120, 120}},
	{"clone3", [columns]int16{435, 435, 435, 435, 5435, 4435, 435, 435}},
	{"unshare", [columns]int16{272, 310, 97, 337, 5262, 4303, 282, 303}},
	{"setns", [columns]int16{308, 346, 268, 375, 5303, 4344, 350, 339}},
	{"ptrace", [columns]int16{101, 26, 117, 26, 5099, 4026, 26, 26}},
	{"process_vm_readv", [columns]int16{310, 347, 270, 376, 5304, 4345, 351, 340}},
	{"process_vm_writev", [columns]int16{311, 348, 271, 377, 5305, 4346, 352, 341}},
	{"process_madvise", [columns]int16{440, 440, 440, 440, 5440, 4440, 440, 440}},
	{"kcmp", [columns]int16{312, 349, 272, 378, 5306, 4347, 354, 343}},
	{"pidfd_open", [columns]int16{434, 434, 434, 434, 5434, 4434, 434, 434}},
	{"pidfd_getfd", [columns]int16{438, 438, 438, 438, 5438, 4438, 438, 438}},
	{"pidfd_send_signal", [columns]int16{424, 424, 424, 424, 5424, 4424, 424, 424}},
	{"socket", [columns]int16{41, 359, 198, 281, 5040, 4183, 326, 359}},
	{"socketcall", [columns]int16{none, 102, none, none, none, 4102, 102, 102}},
	{"kill", [columns]int16{62, 37, 129, 37, 5060, 4037, 37, 37}},
	{"tgkill", [columns]int16{234, 270, 131, 268, 5225, 4266, 250, 241}},
	{"rt_sigqueueinfo", [columns]int16{129, 178, 138, 178, 5127, 4198, 177, 178}},
	{"rt_tgsigqueueinfo", [columns]int16{297, 335, 240, 363, 5291, 4332, 322, 330}},
	{"prlimit64", [columns]int16{302, 340, 261, 369, 5297, 4338, 325, 334}},
	{"setpriority", [columns]int16{141, 97, 140, 97, 5138, 4097, 97, 97}},
	{"ioprio_set", [columns]int16{251, 289, 30, 314, 5273, 4314, 273, 282}},
	{"sched_setaffinity", [columns]int16{203, 241, 122, 241, 5195, 4239, 222, 239}},
	{"sched_setscheduler", [columns]int16{144, 156, 119, 156, 5141, 4160, 156, 156}},
	{"sched_setparam", [columns]int16{142, 154, 118, 154, 5139, 4158, 154, 154}},
	{"sched_setattr", [columns]int16{314, 351, 274, 380, 5309, 4349, 355, 345}},
	{"migrate_pages", [columns]int16{256, 294, 238, 400, 5246, 4287, 258, 287}},
	{"move_pages", [columns]int16{279, 317, 239, 344, 5267, 4308, 301, 310}},
	{"bpf", [columns]int16{321, 357, 280, 386, 5315, 4355, 361, 351}},
	{"io_uring_setup", [columns]int16{425, 425, 425, 425, 5425, 4425, 425, 425}},
	{"io_uring_enter", [columns]int16{426, 426, 426, 426, 5426, 4426, 426, 426}},
	{"io_uring_register", [columns]int16{427, 427, 427, 427, 5427, 4427, 427, 427}},
	{"userfaultfd", [columns]int16{323, 374, 282, 388, 5317, 4357, 364, 355}},
	{"mount", [columns]int16{165, 21, 40, 21, 5160, 4021, 21, 21}},
	{"umount", [columns]int16{none, 22, none, none, none, 4022, 22, 22}},
	{"umount2", [columns]int16{166, 52, 39, 52, 5161, 4052, 52, 52}},
	{"move_mount", [columns]int16{429, 429, 429, 429, 5429, 4429, 429, 429}},
	{"open_tree", [columns]int16{428, 428, 428, 428, 5428, 4428, 428, 428}},
	{"open_tree_attr", [columns]int16{467, 467, 467, 467, 5467, 4467, 467, 467}},
	{"mount_setattr", [columns]int16{442, 442, 442, 442, 5442, 4442, 442, 442}},
	{"fsopen", [columns]int16{430, 430, 430, 430, 5430, 4430, 430, 430}},
	{"fsconfig", [columns]int16{431, 431, 431, 431, 5431, 4431, 431, 431}},
	{"fsmount", [columns]int16{432, 432, 432, 432, 5432, 4432, 432, 432}},
	{"fspick", [columns]int16{433, 433, 433, 433, 5433, 4433, 433, 433}},
	{"pivot_root", [columns]int16{155, 217, 41, 218, 5151, 4216, 203, 217}},
	{"chroot", [columns]int16{161, 61, 51, 61, 5156, 4061, 61, 61}},
	{"swapon", [columns]int16{167, 87, 224, 87, 5162, 4087, 87, 87}},
	{"swapoff", [columns]int16{168, 115, 225, 115, 5163, 4115, 115, 115}},
	{"open_by_handle_at", [columns]int16{304, 342, 265, 371, 5299, 4340, 346, 336}},
	{"add_key", [columns]int16{248, 286, 217, 309, 5239, 4280, 269, 278}},
	{"request_key", [columns]int16{249, 287, 218, 310, 5240, 4281, 270, 279}},
	{"keyctl", [columns]int16{250, 288, 219, 311, 5241, 4282, 271, 280}},
	{"init_module", [columns]int16{175, 128, 105, 128, 5168, 4128, 128, 128}},
	{"finit_module", [columns]int16{313, 350, 273, 379, 5307, 4348, 353, 344}},
	{"delete_module", [columns]int16{176, 129, 106, 129, 5169, 4129, 129, 129}},
	{"kexec_load", [columns]int16{246, 283, 104, 347, 5270, 4311, 268, 277}},
	{"kexec_file_load", [columns]int16{320, none, 294, 401, none, none, 382, 381}},
	{"reboot", [columns]int16{169, 88, 142, 88, 5164, 4088, 88, 88}},
	{"settimeofday", [columns]int16{164, 79, 170, 79, 5159, 4079, 79, 79}},
	{"stime", [columns]int16{none, 25, none, none, none, 4025, 25, none}},
	{"clock_settime", [columns]int16{227, 264, 112, 262, 5221, 4262, 245, 259}},
	{"clock_settime64", [columns]int16{none, 404, none, 404, none, 4404, none, none}},
	{"sethostname", [columns]int16{170, 74, 161, 74, 5165, 4074, 74, 74}},
	{"setdomainname", [columns]int16{171, 121, 162, 121, 5166, 4121, 121, 121}},
	{"acct", [columns]int16{163, 51, 89, 51, 5158, 4051, 51, 51}},
	{"quotactl", [columns]int16{179, 131, 60, 131, 5172, 4131, 131, 131}},
	{"quotactl_fd", [columns]int16{443, 443, 443, 443, 5443, 4443, 443, 443}},
	{"iopl", [columns]int16{172, 110, none, none, none, 4110, 110, none}},
	{"ioperm", [columns]int16{173, 101, none, none, none, 4101, 101, none}},
	{"personality", [columns]int16{135, 136, 92, 136, 5132, 4136, 136, 136}},
}

// numberOf returns the number of a call in a column, which may be none.
func numberOf(call string, column int) (int, error) {
	for _, n := range numbers {
		if n.call == call {
			return int(n.number[column]), nil
		}
	}
	return 0, fmt.Errorf("unknown system call %q", call)
}

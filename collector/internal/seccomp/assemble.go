package seccomp

import (
	"fmt"
	"runtime"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data, linux/seccomp.h.
const (
	numberOffset    = 0
	archOffset      = 4
	argumentsOffset = 16
)

// x32 marks the calls of the x32 ABI, which shares the architecture of x86-64.
const x32 = 0x40000000

// An abi is a set of system call numbers of a kernel.
type abi struct {
	arch          uint32 // AUDIT_ARCH_*
	column        int    // in numbers
	bigEndian     bool
	clonesByStack bool // clone has the stack before the flags
}

// abis returns what the kernels of an architecture run: its own first, and those of
// 32-bit programs, or of 64-bit ones beside a 32-bit exporter. Calls of any other are
// denied.
func abis(goarch string) []abi {
	switch goarch {
	case "amd64":
		return []abi{{arch: unix.AUDIT_ARCH_X86_64, column: x86}, {arch: unix.AUDIT_ARCH_I386, column: i386}}
	case "386":
		return []abi{{arch: unix.AUDIT_ARCH_I386, column: i386}, {arch: unix.AUDIT_ARCH_X86_64, column: x86}}
	case "arm64":
		return []abi{{arch: unix.AUDIT_ARCH_AARCH64, column: generic}, {arch: unix.AUDIT_ARCH_ARM, column: arm}}
	case "arm":
		return []abi{{arch: unix.AUDIT_ARCH_ARM, column: arm}, {arch: unix.AUDIT_ARCH_AARCH64, column: generic}}
	case "riscv64":
		return []abi{{arch: unix.AUDIT_ARCH_RISCV64, column: generic}}
	case "loong64":
		return []abi{{arch: unix.AUDIT_ARCH_LOONGARCH64, column: generic}}
	case "mips64le":
		return []abi{{arch: unix.AUDIT_ARCH_MIPSEL64, column: n64}, {arch: unix.AUDIT_ARCH_MIPSEL, column: o32}}
	case "mipsle":
		return []abi{{arch: unix.AUDIT_ARCH_MIPSEL, column: o32}, {arch: unix.AUDIT_ARCH_MIPSEL64, column: n64}}
	case "ppc64le":
		return []abi{{arch: unix.AUDIT_ARCH_PPC64LE, column: ppc64}}
	case "s390x":
		return []abi{{arch: unix.AUDIT_ARCH_S390X, column: s390x, bigEndian: true, clonesByStack: true}}
	}
	return nil
}

// argument returns the offset of the lower 32 bits of a call's argument.
func (a abi) argument(call string, arg int) uint32 {
	if call == "clone" && a.clonesByStack && arg < 2 {
		arg = 1 - arg
	}
	offset := argumentsOffset + 8*uint32(arg)
	if a.bigEndian {
		offset += 4
	}
	return offset
}

// assemble returns the program for some ABIs.
func assemble(all []abi, rules []Rule) ([]bpf.Instruction, error) {
	if len(all) == 0 {
		return nil, fmt.Errorf("%w on %s", ErrUnsupported, runtime.GOARCH)
	}
	code := []bpf.Instruction{bpf.LoadAbsolute{Off: archOffset, Size: 4}}
	for _, a := range all {
		block, err := a.assemble(rules)
		if err != nil {
			return nil, err
		}
		// A conditional jump reaches 255 instructions, another one all.
		code = append(code, bpf.JumpIf{Cond: bpf.JumpEqual, Val: a.arch, SkipTrue: 1}, bpf.Jump{Skip: uint32(len(block))})
		code = append(code, block...)
	}
	return append(code, deny(0)), nil
}

// assemble returns the part of the program that follows when the architecture is a.
// It ends with an instruction that returns.
func (a abi) assemble(rules []Rule) ([]bpf.Instruction, error) {
	code := []bpf.Instruction{bpf.LoadAbsolute{Off: numberOffset, Size: 4}}
	if a.arch == unix.AUDIT_ARCH_X86_64 {
		code = append(code, bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: x32, SkipTrue: 1}, deny(0))
	}
	var calls []string // in the order of their first rule
	byCall := map[string][]Rule{}
	for _, r := range rules {
		if byCall[r.Call] == nil {
			calls = append(calls, r.Call)
		}
		byCall[r.Call] = append(byCall[r.Call], r)
	}
	for _, call := range calls {
		number, err := numberOf(call, a.column)
		if err != nil {
			return nil, err
		}
		if number == none {
			continue
		}
		block := a.assembleCall(byCall[call])
		if len(block) > 255 {
			return nil, fmt.Errorf("too many conditions for %s", call)
		}
		code = append(code, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(number), SkipTrue: uint8(len(block))})
		code = append(code, block...)
	}
	return append(code, allow()), nil
}

// assembleCall returns the rules of one call. It ends with an instruction that
// returns.
func (a abi) assembleCall(rules []Rule) (code []bpf.Instruction) {
	for _, r := range rules {
		if len(r.If) == 0 {
			return append(code, deny(r.Errno))
		}
		test := []bpf.Instruction{deny(r.Errno)}
		for i := len(r.If) - 1; i >= 0; i-- {
			test = append(a.assembleCondition(r.Call, r.If[i], len(test)), test...)
		}
		code = append(code, test...)
	}
	return append(code, allow())
}

// assembleCondition returns the instructions that skip the next ones unless the
// condition holds.
func (a abi) assembleCondition(call string, c Condition, skip int) []bpf.Instruction {
	code := []bpf.Instruction{bpf.LoadAbsolute{Off: a.argument(call, c.Arg), Size: 4}}
	if c.Mask != 0 {
		code = append(code, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: c.Mask})
	}
	if c.Not {
		return append(code, bpf.JumpIf{Cond: bpf.JumpEqual, Val: c.Value, SkipTrue: uint8(skip)})
	}
	return append(code, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.Value, SkipTrue: uint8(skip)})
}

func allow() bpf.Instruction { return bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW} }

func deny(errno unix.Errno) bpf.Instruction {
	if errno == 0 {
		errno = unix.EPERM
	}
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

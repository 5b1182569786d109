export { type AcceleratorChoice, type AcceleratorQuery, chooseAccelerator } from './accelerator.ts';
export { assembleQemuCommand, type MachinePlan } from './command-line.ts';
export type { Console } from './console.ts';
export { findFirmware } from './firmware.ts';
export { type Machine, type StartOptions, startMachine } from './machine.ts';
export { bootImageSchema, bootProfileSchema } from './profile.ts';
export type { MachineEnd } from './shutdown.ts';
export type { GuestRunOptions } from './ssh.ts';
export type { Accelerator, Arch, BootProfile, FailureSign, Firmware, Injection, Media } from './types.ts';

import { z } from 'zod';
import { gpuArchitectures } from './evidence-document';

const hex32 = z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, '32 bytes of hex')
    .transform((text) => text.toLowerCase());

/** What is accepted of a host's GPUs, as data: strict, every rule optional, for a misspelt rule must not be no rule. */
export const gpuPolicySchema = z.strictObject({
    architectures: z.array(z.enum(gpuArchitectures)).default([...gpuArchitectures]),
    /** Fewer GPUs than this are refused. */
    minGpus: z.number().int().min(1).default(1),
    /** Whether the host must state that confidential mode is on and developer tools are off. Off or on is refused either way. */
    modeStatement: z.enum(['required', 'any']).default('any'),
    /** SHA-256 of device keys that are refused. */
    deniedDevices: z.array(hex32).default([]),
});

export type GpuPolicyInput = z.input<typeof gpuPolicySchema>;
export type GpuPolicy = z.output<typeof gpuPolicySchema>;

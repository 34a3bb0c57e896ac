import { z } from 'zod';
import { imageArguments } from './acts/allow-image';
import { modelArguments } from './acts/allow-model';
import { hubArguments } from './acts/deploy-hub';
import { registryArguments } from './acts/deploy-registry';
import { parameterArguments } from './acts/set-parameters';

/** A whole network as its operator wants it: what deploy-network brings about. */
export const networkSpec = z.strictObject({
    ...registryArguments,
    /** the registry's own unless given */
    parameters: z.strictObject(parameterArguments).optional(),
    images: z.array(z.strictObject(imageArguments)).max(64).default([]),
    models: z.array(z.strictObject(modelArguments)).max(64).default([]),
    hubs: z.array(z.strictObject(hubArguments)).max(64).default([]),
});

/** As written: addresses and bytes may be text. */
export type NetworkSpec = z.input<typeof networkSpec>;

import { Address, type Sender } from '@ton/core';
import { z } from 'zod';
import type { NetworkReader } from '../chain';
import type { OutboxSender, StateOf } from '../outbox';
import { type KeyBundle, keyBundleHash } from '../../wrappers';

const registerKind = 'register-key';
const admitKind = 'request-admission';

const hex = z.string().transform((text) => Buffer.from(text, 'hex'));
const registerSchema = z.strictObject({ nodeKey: hex, bundleHash: hex });
const admitSchema = z.strictObject({ nodeKey: hex, hub: z.string().transform((raw) => Address.parseRaw(raw)) });

export interface RegistrationIntentsOptions {
    reader: NetworkReader;
    sender: OutboxSender;
    provider: Address;
}

/** A node's messages to the chain as intents of the outbox: recorded before they are sent, closed by what the chain shows. */
export class RegistrationIntents {
    constructor(private readonly options: RegistrationIntentsOptions) {}

    /** Closes what an earlier process left open; its key may be another. */
    async reconcile(): Promise<void> {
        await this.options.sender.reconcile(registerKind, this.isRegistered);
        await this.options.sender.reconcile(admitKind, this.isAdmitted);
    }

    registering(bundle: KeyBundle): Sender {
        const key = bundle.signingKey.toString('hex');
        const payload = JSON.stringify({ nodeKey: key, bundleHash: keyBundleHash(bundle).toString('hex') });
        return this.options.sender.sender({ kind: registerKind, key, payload }, this.isRegistered);
    }

    admitting(nodeKey: Buffer, hub: Address): Sender {
        const place = { nodeKey: nodeKey.toString('hex'), hub: hub.toRawString() };
        const key = `${place.nodeKey}/${place.hub}`;
        return this.options.sender.sender({ kind: admitKind, key, payload: JSON.stringify(place) }, this.isAdmitted);
    }

    private readonly isRegistered: StateOf = async ({ payload }) => {
        const { nodeKey, bundleHash } = registerSchema.parse(JSON.parse(payload));
        const known = await this.options.reader.providerKey(this.options.provider, nodeKey, { refresh: true });
        return known?.bundleHash.equals(bundleHash) ? 'done' : 'undone';
    };

    /** The hub knows the key for as long as the provider says. */
    private readonly isAdmitted: StateOf = async ({ payload }) => {
        const { nodeKey, hub } = admitSchema.parse(JSON.parse(payload));
        const { reader, provider } = this.options;
        const known = await reader.providerKey(provider, nodeKey, { refresh: true });
        const admitted = await reader.node(hub, nodeKey, { refresh: true });
        return admitted !== null && admitted.notAfter >= (known?.notAfter ?? 0) ? 'done' : 'undone';
    };
}

import { Address } from '@ton/core';
import {
    issueOffer,
    type KemCertificate,
    type Offer,
    type Signer,
    signerFromSeed,
} from '../../../keepers/confidential';
import type { GatewayHubs, HubAccount } from '../../../keepers/gateway/gateway-hubs';
import type { TrustedNode } from '../../../keepers/gateway/trusted-node';
import { bytesOf, offerFields } from '../confidential/exchange';
import { hub, keyringOf } from '../dispatch/sealed-request';

export const hubAddress = new Address(0, hub);

/** As a gateway with an escrow at one hub has them. */
export function oneHub(account: HubAccount): Pick<GatewayHubs, 'main' | 'accountAt' | 'all'> {
    return { main: account, accountAt: () => account, all: () => [account] };
}

export interface TestNode extends TrustedNode {
    signer: Signer;
    /** What opens requests sealed to the node. */
    keyring: Awaited<ReturnType<typeof keyringOf>>;
}

/** A node as the directory hands it over once its evidence held. */
export async function trustedNode(
    name: string,
    dispatcherUrl: string,
    overrides: Partial<Pick<Offer, 'maxConcurrency' | 'models'>> = {},
): Promise<TestNode> {
    const signer = signerFromSeed(bytesOf(`node ${name}`));
    const keyring = await keyringOf(signer);
    return {
        ...nodeOf(signer, issueOffer({ ...offerFields, ...overrides }, signer), keyring.certificates()),
        dispatcherUrl,
        signer,
        keyring,
    };
}

function nodeOf(signer: Signer, offer: Offer, certificates: KemCertificate[]) {
    return {
        id: signer.publicKey.toString('hex'),
        nodeKey: signer.publicKey,
        hub: hubAddress,
        bundle: {} as TrustedNode['bundle'],
        verdict: {} as TrustedNode['verdict'],
        gpu: null,
        offer,
        certificates,
        load: { inFlight: 0, queued: 0, maxConcurrency: 4, firstFrameMsP50: null, failureShare: 0 },
        checkedAtMs: 0,
    };
}

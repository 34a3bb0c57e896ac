import { type Clock, nowSec } from '../base';
import {
    ConfidentialError,
    type KemCertificate,
    type Offer,
    verifyHello,
    verifyKemCertificate,
    verifyOffer,
    type Hello as HelloScope,
} from '../confidential';
import { decodeKeyBundle, type KeyBundle } from '../../wrappers';
import type { Hello, Update } from './link-messages';

/** What a node proves when it connects: that it holds the key of its bundle, and what it offers. */
export interface NodeTerms {
    kemCertificates: KemCertificate[];
    offer: Offer;
}

export interface GreetedNode extends NodeTerms {
    nodeKey: Buffer;
    bundle: KeyBundle;
}

/** @returns the node, or why its hello is refused. Its quote is for gateways and the chain to judge. */
export function checkHello(hello: Hello, scope: HelloScope, clock: Clock): GreetedNode | string {
    const { nodeKey, signature } = hello;
    if (!verifyHello(scope, nodeKey, signature)) return 'the hello is not signed by the node key';
    try {
        const bundle = checkBundle(hello.bundle, { network: scope.network, nodeKey });
        return { nodeKey, bundle, ...readTerms(hello, { network: scope.network, nodeKey, clock }) };
    } catch (error) {
        return error instanceof Error ? error.message : 'the hello is malformed';
    }
}

/** @throws when the bundle is malformed or not of this network and key */
export function checkBundle(bytes: Buffer, of: { network: Buffer; nodeKey: Buffer }): KeyBundle {
    const bundle = decodeKeyBundle(bytes);
    if (!bundle.network.equals(of.network))
        throw new ConfidentialError('statement_not_ours', 'the key bundle names another network');
    if (!bundle.signingKey.equals(of.nodeKey))
        throw new ConfidentialError('statement_not_ours', 'the key bundle names another key');
    return bundle;
}

/** @throws ConfidentialError when a certificate or the offer is not this node's or not current */
export function readTerms(
    terms: Pick<Update, 'kemCertificates' | 'offer'>,
    of: { network: Buffer; nodeKey: Buffer; clock: Clock },
): NodeTerms {
    const expected = { network: of.network, nodeKey: of.nodeKey, nowSec: nowSec(of.clock) };
    if (terms.kemCertificates.length === 0) throw new ConfidentialError('statement_malformed', 'no KEM certificate');
    const offer = verifyOffer(terms.offer, expected);
    return { kemCertificates: terms.kemCertificates.map((signed) => verifyKemCertificate(signed, expected)), offer };
}

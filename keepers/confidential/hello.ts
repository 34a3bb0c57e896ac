import { sha256 } from '../../wrappers/digest';
import { exactly } from './byte-writer';
import { type Signer, verifyNodeSignature } from './signing';

/** What a node signs to show a dispatcher that it holds its key now: SHA256("CHel" | network | hub | challenge). */
export interface Hello {
    network: Buffer;
    /** account id of the payout contract */
    hub: Buffer;
    /** the dispatcher's, fresh for this connection, 32 bytes */
    challenge: Buffer;
}

export function signHello(hello: Hello, signer: Signer): Buffer {
    return signer.sign(helloDigest(hello));
}

export function verifyHello(hello: Hello, nodeKey: Buffer, signature: Buffer): boolean {
    return verifyNodeSignature({ publicKey: nodeKey, digest: helloDigest(hello), signature });
}

function helloDigest({ network, hub, challenge }: Hello): Buffer {
    return sha256(
        Buffer.from('CHel', 'latin1'),
        exactly('network', network, 32),
        exactly('hub', hub, 32),
        exactly('challenge', challenge, 32),
    );
}

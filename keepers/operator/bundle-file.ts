import { readFileSync } from 'node:fs';
import { authorizationDigest, decodeKeyBundle, type KeyBundle, keyBundleBytes, keyBundleHash } from '../../wrappers';
import { errorMessage } from '../base';
import { signerFromSeed } from '../confidential';
import { readSeedFile } from '../config';
import { OperatorError } from './errors';

export function readFile(file: string): Buffer {
    try {
        return readFileSync(file);
    } catch (error) {
        throw new OperatorError('argument_invalid', `${file}: ${errorMessage(error)}`, { cause: error });
    }
}

export function readBundle(file: string): KeyBundle {
    const raw = readFile(file);
    const content = raw.length === keyBundleBytes ? raw : Buffer.from(raw.toString('latin1').trim(), 'hex');
    try {
        return decodeKeyBundle(content);
    } catch (error) {
        throw new OperatorError('argument_invalid', `${file}: ${errorMessage(error)}`, { cause: error });
    }
}

/** The operator key's signature over the bundle; undefined without a seed file. */
export function signWith(seedFile: string | undefined, bundle: KeyBundle): Buffer | undefined {
    if (seedFile === undefined) return undefined;
    const { network, provider } = bundle;
    const digest = authorizationDigest({ network, provider, bundleHash: keyBundleHash(bundle) });
    return signerFromSeed(readSeedFile(seedFile)).sign(digest);
}

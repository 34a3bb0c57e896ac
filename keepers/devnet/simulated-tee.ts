import { createHash } from 'node:crypto';
import { createDevelopmentPki, createPlatform, defaultFacts, imageIdOf, mintTdxQuote } from '../attestation';

/** What a development network's root makes possible: genuine-format quotes without the hardware. */
export interface SimulatedTee {
    /** x | y, 64 bytes: what a registry is deployed with */
    rootKey: Buffer;
    /** image that the simulated guest measures */
    imageId: Buffer;
    quote(reportData: Buffer): Promise<Buffer>;
}

/** FMSPC of every simulated machine. */
export const simulatedFamily = defaultFacts.fmspc;

/** The registers of the simulated guest image: fixed, so that one allow-listed image serves every development node. */
export function simulatedMeasurements() {
    const register = (name: string) => createHash('sha384').update(`cocoon simulated guest 1 ${name}`).digest();
    return {
        mrtd: register('mrtd'),
        rtmr0: register('rtmr0'),
        rtmr1: register('rtmr1'),
        rtmr2: register('rtmr2'),
        rtmr3: register('rtmr3'),
    };
}

/**
 * A TEE that exists on paper only. Its quotes go through the same verifiers as Intel's, on and off chain, under the root
 * key that the network's registry was deployed with; a production network pins Intel's root and refuses them.
 */
export function createSimulatedTee(options: { pkiSeed: Buffer; platform: number; now: Date }): SimulatedTee {
    const pki = createDevelopmentPki({ seed: options.pkiSeed, now: options.now });
    const platform = createPlatform(pki, { name: `platform-${options.platform}` });
    const measurements = simulatedMeasurements();
    return {
        rootKey: pki.rootPublicKey.subarray(1),
        imageId: imageIdOf(hexOf(measurements)),
        quote: async (reportData) => mintTdxQuote({ pki, platform, reportData, measurements }).quote,
    };
}

function hexOf<Name extends string>(registers: Record<Name, Buffer>): Record<Name, string> {
    return Object.fromEntries(
        Object.entries<Buffer>(registers).map(([name, bytes]) => [name, bytes.toString('hex')]),
    ) as Record<Name, string>;
}

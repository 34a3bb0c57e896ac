import { existsSync } from 'node:fs';
import type { Address } from '@ton/core';
import { type Deployment, type HubDeployment, readDeployment, writeDeployment } from '../chain';

/** deployments/<network>.json, shared by scripts and keepers. Acts read and extend it; the chain decides what is true. */
export class DeploymentFile {
    constructor(readonly file: string) {}

    /**
     * Null when there is no file yet.
     * @throws ChainError `deployment_invalid`
     */
    read(): Deployment | null {
        return existsSync(this.file) ? readDeployment(this.file) : null;
    }

    /** Whether the file is of this registry's network. */
    isOf(registry: Address): boolean {
        return this.read()?.registry.equals(registry) ?? false;
    }

    /** Begins the file, or leaves alone what already stands for the same registry. */
    recordRegistry(deployment: Deployment): void {
        if (!this.isOf(deployment.registry)) writeDeployment(this.file, deployment);
    }

    recordVerifier(quoteVerifier: Deployment['quoteVerifier']): void {
        this.change((known) => ({ ...known, quoteVerifier }));
    }

    recordHub(hub: HubDeployment): void {
        this.change((known) => {
            const before = known.hubs.find(({ address }) => address.equals(hub.address));
            const others = known.hubs.filter((other) => other !== before);
            return { ...known, hubs: [...others, { ...hub, endpoint: hub.endpoint ?? before?.endpoint ?? null }] };
        });
    }

    /** Of a development network, whose GPU evidence is minted. */
    recordGpuRoot(gpuRootPublicKey: Buffer): void {
        this.change((known) => ({ ...known, gpuRootPublicKey: Buffer.from(gpuRootPublicKey) }));
    }

    /** The same for SEV-SNP: SHA-256 of the root's public key. */
    recordSnpRoot(snpRootKeyHash: Buffer): void {
        this.change((known) => ({ ...known, snpRootKeyHash: Buffer.from(snpRootKeyHash) }));
    }

    private change(alter: (known: Deployment) => Deployment): void {
        const known = this.read();
        if (known !== null) writeDeployment(this.file, alter(known));
    }
}

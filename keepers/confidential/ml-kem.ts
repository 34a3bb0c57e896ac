import { MlKem768 } from 'mlkem';

/** The matrix that a public key's seed stands for: nine polynomials, known to whoever knows the key. */
type Matrix = Int16Array[][];

/** What is used of the library, with the step of it that its types keep private. */
interface ExpandingMlKem {
    encap(publicKey: Uint8Array, seed?: Uint8Array): Promise<[ciphertext: Uint8Array, secret: Uint8Array]>;
    decap(ciphertext: Uint8Array, privateKey: Uint8Array): Promise<Uint8Array>;
    deriveKeyPair(seed: Uint8Array): Promise<[publicKey: Uint8Array, privateKey: Uint8Array]>;
    /** The library's working copy, which an operation changes as it goes. */
    readonly _matrixA: Matrix;
    _sampleMatrix(seed: Uint8Array, transposed: boolean): Matrix;
}

const Expanding = MlKem768 as unknown as new () => ExpandingMlKem;

/**
 * ML-KEM-768 that expands the matrix of a public key once, not for each request: more than half of an encapsulation, and of
 * the one that checks a decapsulation. A library that no longer has this step expands as it did, and is right all the same.
 */
export class RememberingMlKem extends Expanding {
    private readonly matrices = new Map<string, Matrix>();

    /** @param capacity matrices of 4.6 kB */
    constructor(private readonly capacity = 512) {
        super();
    }

    get remembered(): number {
        return this.matrices.size;
    }

    override _sampleMatrix(seed: Uint8Array, transposed: boolean): Matrix {
        // A key that is made is made once: both directions of use need the transposed one.
        if (!transposed) return super._sampleMatrix(seed, transposed);
        const id = Buffer.from(seed).toString('latin1');
        const known = this.matrices.get(id);
        if (known !== undefined) return this.workOn(known);
        const matrix = super._sampleMatrix(seed, transposed);
        this.matrices.set(
            id,
            matrix.map((row) => row.map((polynomial) => polynomial.slice())),
        );
        if (this.matrices.size > this.capacity) this.matrices.delete(this.matrices.keys().next().value!);
        return matrix;
    }

    private workOn(matrix: Matrix): Matrix {
        matrix.forEach((row, i) => row.forEach((polynomial, j) => this._matrixA[i]![j]!.set(polynomial)));
        return this._matrixA;
    }
}

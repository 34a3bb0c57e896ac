/** Of what libsodium's binding has, all that we use. */
declare module 'sodium-native' {
    const sodium: {
        /** Ed25519. Throws where a length is wrong. */
        crypto_sign_verify_detached(signature: Buffer, message: Buffer, publicKey: Buffer): boolean;
    };
    export default sodium;
}

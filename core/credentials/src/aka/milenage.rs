//! Milenage: the functions f1 to f5* of a SIM and its home (TS 35.206).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::cipher::{AES_128, EncryptingKey, UnboundCipherKey};

use super::{Amf, Autn, Auts, Rand, Sqn};
use crate::constant_time_eq;

type Block = [u8; 16];

/// The secrets of one subscription: K in the cipher, and OPc.
#[derive(Clone)]
pub struct Milenage {
    cipher: Arc<EncryptingKey>,
    opc: Block,
}

/// TS 33.102 §6.3.2 — a quintet: what the home gives the S-CSCF to challenge with.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticationVector {
    /// The challenge.
    pub rand: Rand,
    /// The proof that it is the network's.
    pub autn: Autn,
    /// The answer that is expected.
    pub xres: [u8; 8],
    /// The cipher key. Never for a WIC (TS 33.203 Annex X).
    pub ck: [u8; 16],
    /// The integrity key. Never for a WIC.
    pub ik: [u8; 16],
}

impl Milenage {
    /// From the subscriber key K and the operator's OPc.
    pub fn new(k: [u8; 16], opc: [u8; 16]) -> Self {
        let key = UnboundCipherKey::new(&AES_128, &k).expect("16 bytes are an AES-128 key");
        let cipher = EncryptingKey::ecb(key).expect("AES-128 has this mode");
        Self {
            cipher: Arc::new(cipher),
            opc,
        }
    }

    /// TS 35.206 §4.1 — from OP, of which OPc is made: `OP xor E(OP)`.
    pub fn from_op(k: [u8; 16], op: [u8; 16]) -> Self {
        let mut milenage = Self::new(k, [0; 16]);
        milenage.opc = xor(milenage.encrypt(op), op);
        milenage
    }

    /// TS 35.206 §4.1 f1 — the network's authentication code MAC-A.
    pub fn f1(&self, rand: &Rand, sqn: Sqn, amf: Amf) -> [u8; 8] {
        part(&self.out1(rand, sqn, amf), 0)
    }

    /// TS 35.206 §4.1 f1* — the resynchronisation code MAC-S.
    pub fn f1_star(&self, rand: &Rand, sqn: Sqn, amf: Amf) -> [u8; 8] {
        part(&self.out1(rand, sqn, amf), 8)
    }

    /// TS 35.206 §4.1 f2 — RES.
    pub fn f2(&self, rand: &Rand) -> [u8; 8] {
        part(&self.out(rand, 0, 1), 8)
    }

    /// TS 35.206 §4.1 f3 — the cipher key CK.
    pub fn f3(&self, rand: &Rand) -> [u8; 16] {
        self.out(rand, 4, 2)
    }

    /// TS 35.206 §4.1 f4 — the integrity key IK.
    pub fn f4(&self, rand: &Rand) -> [u8; 16] {
        self.out(rand, 8, 4)
    }

    /// TS 35.206 §4.1 f5 — the anonymity key AK.
    pub fn f5(&self, rand: &Rand) -> [u8; 6] {
        part(&self.out(rand, 0, 1), 0)
    }

    /// TS 35.206 §4.1 f5* — the anonymity key AK* of a resynchronisation.
    pub fn f5_star(&self, rand: &Rand) -> [u8; 6] {
        part(&self.out(rand, 12, 8), 0)
    }

    /// TS 33.102 §6.3.2 — the vector of one challenge.
    pub fn vector(&self, rand: Rand, sqn: Sqn, amf: Amf) -> AuthenticationVector {
        let mut autn = [0; 16];
        autn[..6].copy_from_slice(&xor(sqn.to_bytes(), self.f5(&rand)));
        autn[6..8].copy_from_slice(&amf);
        autn[8..].copy_from_slice(&self.f1(&rand, sqn, amf));
        AuthenticationVector {
            autn,
            xres: self.f2(&rand),
            ck: self.f3(&rand),
            ik: self.f4(&rand),
            rand,
        }
    }

    /// TS 33.102 §6.3.3 — the SQN and AMF of a challenge, if its MAC-A is right.
    pub fn open_autn(&self, rand: &Rand, autn: &Autn) -> Option<(Sqn, Amf)> {
        let sqn = Sqn::from_bytes(xor(part(autn, 0), self.f5(rand)));
        let amf = part(autn, 6);
        constant_time_eq(&self.f1(rand, sqn, amf), &autn[8..]).then_some((sqn, amf))
    }

    /// TS 33.102 §6.3.3 — AUTS. Its AMF is zero, so that it need not be sent.
    pub fn auts(&self, rand: &Rand, sqn: Sqn) -> Auts {
        let mut auts = [0; 14];
        auts[..6].copy_from_slice(&xor(sqn.to_bytes(), self.f5_star(rand)));
        auts[6..].copy_from_slice(&self.f1_star(rand, sqn, [0; 2]));
        auts
    }

    /// TS 33.102 §6.3.5 — the SIM's SQN, if the MAC-S of AUTS is right.
    pub fn open_auts(&self, rand: &Rand, auts: &Auts) -> Option<Sqn> {
        let sqn = Sqn::from_bytes(xor(part(auts, 0), self.f5_star(rand)));
        constant_time_eq(&self.f1_star(rand, sqn, [0; 2]), &auts[6..]).then_some(sqn)
    }

    /// OUT1, with r1 = 64 bits and c1 = 0.
    fn out1(&self, rand: &Rand, sqn: Sqn, amf: Amf) -> Block {
        let mut input = [0; 16];
        for half in input.chunks_exact_mut(8) {
            half[..6].copy_from_slice(&sqn.to_bytes());
            half[6..].copy_from_slice(&amf);
        }
        let mut turned = xor(input, self.opc);
        turned.rotate_left(8);
        let temp = self.encrypt(xor(*rand, self.opc));
        xor(self.encrypt(xor(temp, turned)), self.opc)
    }

    /// OUT2 to OUT5: turned left by `rotation` bytes, and with a constant whose last byte is `constant`.
    fn out(&self, rand: &Rand, rotation: usize, constant: u8) -> Block {
        let temp = self.encrypt(xor(*rand, self.opc));
        let mut turned = xor(temp, self.opc);
        turned.rotate_left(rotation);
        turned[15] ^= constant;
        xor(self.encrypt(turned), self.opc)
    }

    fn encrypt(&self, mut block: Block) -> Block {
        self.cipher
            .encrypt(&mut block)
            .expect("one block is a whole number of blocks");
        block
    }
}

impl fmt::Debug for Milenage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Milenage(..)")
    }
}

impl fmt::Debug for AuthenticationVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationVector(..)")
    }
}

fn xor<const N: usize>(a: [u8; N], b: [u8; N]) -> [u8; N] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// Bytes of a value of fixed size: no index here comes from a peer.
fn part<const N: usize>(of: &[u8], from: usize) -> [u8; N] {
    std::array::from_fn(|i| of[from + i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aka::bytes;

    /// TS 35.208 §4.3 — name, K, RAND, SQN, AMF, OP, OPc, f1, f1*, f2, f5, f3, f4, f5*.
    const SETS: [[&str; 14]; 5] = [
        [
            "1",
            "465b5ce8b199b49faa5f0a2ee238a6bc",
            "23553cbe9637a89d218ae64dae47bf35",
            "ff9bb4d0b607",
            "b9b9",
            "cdc202d5123e20f62b6d676ac72cb318",
            "cd63cb71954a9f4e48a5994e37a02baf",
            "4a9ffac354dfafb3",
            "01cfaf9ec4e871e9",
            "a54211d5e3ba50bf",
            "aa689c648370",
            "b40ba9a3c58b2a05bbf0d987b21bf8cb",
            "f769bcd751044604127672711c6d3441",
            "451e8beca43b",
        ],
        [
            "2",
            "fec86ba6eb707ed08905757b1bb44b8f",
            "9f7c8d021accf4db213ccff0c7f71a6a",
            "9d0277595ffc",
            "725c",
            "dbc59adcb6f9a0ef735477b7fadf8374",
            "1006020f0a478bf6b699f15c062e42b3",
            "9cabc3e99baf7281",
            "95814ba2b3044324",
            "8011c48c0c214ed2",
            "33484dc2136b",
            "5dbdbb2954e8f3cde665b046179a5098",
            "59a92d3b476a0443487055cf88b2307b",
            "deacdd848cc6",
        ],
        [
            "3",
            "9e5944aea94b81165c82fbf9f32db751",
            "ce83dbc54ac0274a157c17f80d017bd6",
            "0b604a81eca8",
            "9e09",
            "223014c5806694c007ca1eeef57f004f",
            "a64a507ae1a2a98bb88eb4210135dc87",
            "74a58220cba84c49",
            "ac2cc74a96871837",
            "f365cd683cd92e96",
            "f0b9c08ad02e",
            "e203edb3971574f5a94b0d61b816345d",
            "0c4524adeac041c4dd830d20854fc46b",
            "6085a86c6f63",
        ],
        [
            "4",
            "4ab1deb05ca6ceb051fc98e77d026a84",
            "74b0cd6031a1c8339b2b6ce2b8c4a186",
            "e880a1b580b6",
            "9f07",
            "2d16c5cd1fdf6b22383584e3bef2a8d8",
            "dcf07cbd51855290b92a07a9891e523e",
            "49e785dd12626ef2",
            "9e85790336bb3fa2",
            "5860fc1bce351e7e",
            "31e11a609118",
            "7657766b373d1c2138f307e3de9242f9",
            "1c42e960d89b8fa99f2744e0708ccb53",
            "fe2555e54aa9",
        ],
        [
            "6",
            "6c38a116ac280c454f59332ee35c8c4f",
            "ee6466bc96202c5a557abbeff8babf63",
            "414b98222181",
            "4464",
            "1ba00a1a7c6700ac8c3ff3e96ad08725",
            "3803ef5363b947c6aaa225e58fae3934",
            "078adfb488241a57",
            "80246b8d0186bcf1",
            "16c8233f05a0ac28",
            "45b0f69ab06c",
            "3f8c7587fe8e4b233af676aede30ba3b",
            "a7466cc1e6b2a1337d49d3b66e95d7b4",
            "1f53cd2b1113",
        ],
    ];

    /// TS 35.208 §4.3
    #[test]
    fn the_published_sets_come_out() {
        for [
            name,
            k,
            rand,
            sqn,
            amf,
            op,
            opc,
            f1,
            f1s,
            f2,
            f5,
            f3,
            f4,
            f5s,
        ] in SETS
        {
            let milenage = Milenage::from_op(bytes(k), bytes(op));
            assert_eq!(milenage.opc, bytes::<16>(opc), "set {name}");
            let milenage = Milenage::new(bytes(k), bytes(opc));
            let (rand, sqn, amf) = (bytes(rand), Sqn::from_bytes(bytes(sqn)), bytes(amf));
            assert_eq!(milenage.f1(&rand, sqn, amf), bytes(f1), "set {name}");
            assert_eq!(milenage.f1_star(&rand, sqn, amf), bytes(f1s), "set {name}");
            assert_eq!(milenage.f2(&rand), bytes(f2), "set {name}");
            assert_eq!(milenage.f3(&rand), bytes(f3), "set {name}");
            assert_eq!(milenage.f4(&rand), bytes(f4), "set {name}");
            assert_eq!(milenage.f5(&rand), bytes(f5), "set {name}");
            assert_eq!(milenage.f5_star(&rand), bytes(f5s), "set {name}");
        }
    }

    /// Computed twice from set 1, by another implementation too.
    #[test]
    fn autn_and_auts_of_the_first_set() {
        let [_, k, rand, sqn, amf, _, opc, ..] = SETS[0];
        let milenage = Milenage::new(bytes(k), bytes(opc));
        let (rand, sqn, amf) = (bytes(rand), Sqn::from_bytes(bytes(sqn)), bytes(amf));
        let vector = milenage.vector(rand, sqn, amf);
        assert_eq!(vector.autn, bytes("55f328b43577b9b94a9ffac354dfafb3"));
        assert_eq!(milenage.open_autn(&rand, &vector.autn), Some((sqn, amf)));
        let auts = milenage.auts(&rand, sqn);
        assert_eq!(auts, bytes("ba853f3c123ccf44e93596e355c6"));
        assert_eq!(milenage.open_auts(&rand, &auts), Some(sqn));
    }

    #[test]
    fn one_bit_wrong_opens_nothing() {
        let milenage = Milenage::new([1; 16], [2; 16]);
        let rand = [3; 16];
        let sqn = Sqn::from_bytes([0, 0, 0, 0, 1, 0]);
        let autn = milenage.vector(rand, sqn, [0x80, 0]).autn;
        for bit in 0..128 {
            let mut wrong = autn;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(milenage.open_autn(&rand, &wrong), None, "bit {bit}");
        }
        let auts = milenage.auts(&rand, sqn);
        for bit in 0..112 {
            let mut wrong = auts;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(milenage.open_auts(&rand, &wrong), None, "bit {bit}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let milenage = Milenage::new([1; 16], [2; 16]);
        assert_eq!(format!("{milenage:?}"), "Milenage(..)");
    }
}

// Holds Waybill's signatures against the official JavaScript library, and gives back the library's own; likewise Ed25519
// against Node's crypto, since no official library has it. Reads one case as JSON per line, writes one answer per line.
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const { Webhook } = createRequire(process.argv[2] + "/")("standardwebhooks");
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

function hmac({ secret, id, timestamp, payload, signature }) {
  const webhook = new Webhook(secret);
  const own = webhook.sign(id, new Date(Number(timestamp) * 1000), payload);
  try {
    webhook.verify(payload, { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature });
    return { accepts: true, signature: own };
  } catch (error) {
    return { accepts: false, error: String(error), signature: own };
  }
}

function ed25519({ secret, public: publicKey, id, timestamp, payload, signature }) {
  const bytes = (text, prefix) => Buffer.from(text.slice(prefix.length), "base64");
  const seed = bytes(secret, "whsk_").subarray(0, 32);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const open = createPublicKey({ key: Buffer.concat([SPKI, bytes(publicKey, "whpk_")]), format: "der", type: "spki" });
  const signed = Buffer.from(`${id}.${timestamp}.${payload}`);
  const accepts = signature
    .split(" ")
    .some((one) => one.startsWith("v1a,") && verify(null, signed, open, Buffer.from(one.slice(4), "base64")));
  return { accepts, signature: "v1a," + sign(null, signed, key).toString("base64") };
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  console.log(JSON.stringify(asked.public ? ed25519(asked) : hmac(asked)));
}

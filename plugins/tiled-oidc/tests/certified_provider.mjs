// `oidc-provider`, which is certified by the OpenID Foundation, with the clients and users that a test describes.
// Usage: node certified_provider.mjs FOLDER-WITH-NODE_MODULES DESCRIPTION-AS-JSON
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null); // as of Node 22

const [folder, description] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(folder, 'node_modules/oidc-provider/lib/index.js')));
const { clients, users, audience, scopes, roles } = JSON.parse(description);

const key = (kid, type, options, alg) => {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
};

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients,
  jwks: {
    keys: [
      key('rsa', 'rsa', { modulusLength: 2048 }, 'RS256'),
      key('ec', 'ec', { namedCurve: 'P-256' }, 'ES256'),
      key('edwards', 'ed25519', {}, 'EdDSA'),
    ],
  },
  cookies: { keys: ['a key for the cookies of a test'] },
  scopes: ['openid', 'offline_access', ...scopes],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username', 'groups'] },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA', 'HS256'] },
  async findAccount(_context, id) {
    return users[id] && { accountId: id, claims: async () => ({ sub: id, ...users[id].claims }) };
  },
  extraTokenClaims: async () => ({ roles }),
  features: {
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // Terminals get tokens for our server; the login in the browser gets one for the provider's own user info.
      defaultResource: (_context, client) => (client.clientAuthMethod === 'none' ? audience : undefined),
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience,
        scope: scopes.join(' '),
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});
provider.on('server_error', (_context, error) => console.error(error));
server.on('request', provider.callback());
console.log(`READY ${issuer}`);

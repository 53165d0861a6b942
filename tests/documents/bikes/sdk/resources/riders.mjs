import { APIResource } from "../core/resource.mjs";
import { RidersPage } from "../core/pagination.mjs";
import { path } from "../internal/utils/path.mjs";
import { buildHeaders } from "../internal/headers.mjs";
export class Riders extends APIResource {
    create(body, options) {
        return this._client.post('/riders', { body, ...options });
    }
    retrieve(riderID, options) {
        return this._client.get(path `/riders/${riderID}`, options);
    }
    list(query = {}, options) {
        return this._client.getAPIList('/riders', (RidersPage), { query, ...options });
    }
    removeBadge(badgeID, params, options) {
        const { riderId } = params;
        return this._client.delete(path `/riders/${riderId}/badges/${badgeID}`, options);
    }
    pay(riderID, params, options) {
        const { dry_run, 'Bikes-Station': bikesStation, ...body } = params;
        return this._client.post(path `/riders/${riderID}/pay`, {
            query: { dry_run },
            body,
            ...options,
            headers: buildHeaders([
                { ...(bikesStation != null ? { 'Bikes-Station': bikesStation } : undefined) },
                options?.headers,
            ]),
        });
    }
    isCard(card) {
        return Promise.resolve(card.length === 16);
    }
}

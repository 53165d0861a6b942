export interface RidersPageResponse<Item> {
    riders: Array<Item>;
    meta: RidersPageResponse.Meta;
}
export declare namespace RidersPageResponse {
    interface Meta {
        next_cursor?: string | null;
    }
}
export interface RidersPageParams {
    cursor?: string;
    limit?: number;
}
export declare class RidersPage<Item> extends AbstractPage<Item> implements RidersPageResponse<Item> {
    riders: Array<Item>;
    meta: RidersPageResponse.Meta;
    constructor(client: Bikes, response: Response);
    getPaginatedItems(): Item[];
}

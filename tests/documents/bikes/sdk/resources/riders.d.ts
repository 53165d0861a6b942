import { APIResource } from "../core/resource.js";
import { APIPromise } from "../core/api-promise.js";
import { PagePromise, RidersPage, type RidersPageParams } from "../core/pagination.js";
import { RequestOptions } from "../internal/request-options.js";
/**
 * Riders and what they ride.
 */
export declare class Riders extends APIResource {
    /**
     * Registers a rider. Mutating requests support an optional Idempotency-Key header
     * for client retries; duplicate keys within one hour return duplicate_key.
     *
     * @example
     * ```ts
     * const rider = await client.riders.create({ name: 'Ada' });
     * ```
     */
    create(body: RiderCreateParams, options?: RequestOptions): APIPromise<RiderCreateResponse>;
    /**
     * Returns one rider.
     */
    retrieve(riderID: string, options?: RequestOptions): APIPromise<RiderRetrieveResponse>;
    /**
     * Returns riders, newest first.
     */
    list(query?: RiderListParams | null | undefined, options?: RequestOptions): PagePromise<RiderListResponsesRidersPage, RiderListResponse>;
    /**
     * Removes a badge of a rider.
     *
     * @deprecated badges go away
     */
    removeBadge(badgeID: string, params: RiderRemoveBadgeParams, options?: RequestOptions): APIPromise<RiderRemoveBadgeResponse>;
    /**
     * Pays for what a rider owes.
     */
    pay(riderID: string, params: RiderPayParams, options?: RequestOptions): APIPromise<RiderPayResponse>;
    /**
     * Says whether a card can be read. No request is sent.
     */
    isCard(card: string): Promise<boolean>;
}
export type RiderListResponsesRidersPage = RidersPage<RiderListResponse>;
export interface RiderCreateResponse {
    /**
     * Rider identifier
     */
    rider_id: string;
    /**
     * Level of the rider
     */
    level: 'new' | 'regular' | 'expert';
    /**
     * Balance in USD
     */
    balance: number | null;
    badges?: Array<RiderCreateResponse.Badge>;
}
export declare namespace RiderCreateResponse {
    interface Badge {
        badge_id: string;
        colour?: string;
    }
}
export interface RiderRetrieveResponse {
    /**
     * Rider identifier
     */
    rider_id: string;
    limits: RiderRetrieveResponse.Limits;
    /**
     * Whether the rider is insured, or how
     */
    insured: true | RiderRetrieveResponse.UnionMember1;
    tags?: {
        [key: string]: string;
    };
    extra?: {
        [key: string]: unknown;
    } | null;
}
export declare namespace RiderRetrieveResponse {
    interface Limits {
        hours: number;
        zones: Array<'inner' | 'outer'>;
    }
    interface UnionMember1 {
        insurer: string;
        until?: string;
    }
}
export interface RiderListResponse {
    /**
     * Rider identifier
     */
    rider_id: string;
    /**
     * Name of the rider
     */
    name: string;
    active: boolean;
}
export interface RiderRemoveBadgeResponse {
    removed: true;
    badge_id: string;
}
export type RiderPayResponse = RiderPayResponse.Paid | RiderPayResponse.Refused;
export declare namespace RiderPayResponse {
    interface Paid {
        outcome: 'paid';
        receipt: string;
    }
    interface Refused {
        outcome: 'refused';
        reason: string;
    }
}
export interface RiderCreateParams {
    /**
     * Name of the rider
     */
    name: string;
    /**
     * Level of the rider
     */
    level?: 'new' | 'regular' | 'expert';
    /**
     * Days that a pass lasts. Defaults to 30.
     */
    days?: number;
}
export interface RiderListParams extends RidersPageParams {
    /**
     * Words to search for
     */
    query?: string;
    active?: boolean;
}
export interface RiderRemoveBadgeParams {
    /**
     * Rider identifier
     */
    riderId: string;
}
export interface RiderPayParams {
    /**
     * Query param: Whether it is only tried
     */
    dry_run?: boolean;
    /**
     * Body param: Amount in USD
     */
    amount: number;
    /**
     * Body param: Card to charge
     */
    card?: string;
    /**
     * Header param: Who asks
     */
    'Bikes-Station'?: string;
}

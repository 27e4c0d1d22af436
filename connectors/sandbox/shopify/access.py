"""Which access scopes a field asks for, and what an app without them is told.

The scopes are those of the official 2026-10 schema's ``offline_scopes``; a write scope holds its read scope.
"""

from __future__ import annotations

from graphql import GraphQLError

DEFAULT_SCOPES = (
    "read_assigned_fulfillment_orders",
    "read_fulfillments",
    "read_inventory",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "read_orders",
    "read_products",
    "read_returns",
    "read_third_party_fulfillment_orders",
    "write_inventory",
    "write_merchant_managed_fulfillment_orders",
    "write_orders",
)
"""What the app asks for in its own settings at the pretend Shopify; the demo shops have granted it."""

_FULFILLMENT_READ = (
    "read_assigned_fulfillment_orders",
    "read_merchant_managed_fulfillment_orders",
    "read_third_party_fulfillment_orders",
)
_FULFILLMENT_WRITE = (
    "write_assigned_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "write_third_party_fulfillment_orders",
)

NEEDED: dict[str, tuple[str, ...]] = {
    "order": ("read_orders", "read_marketplace_orders"),
    "orders": ("read_orders", "read_marketplace_orders"),
    "ordersCount": ("read_orders",),
    "orderByIdentifier": ("read_orders", "read_marketplace_orders"),
    "product": ("read_products",),
    "products": ("read_products",),
    "productsCount": ("read_products",),
    "productVariant": ("read_products",),
    "productVariants": ("read_products",),
    "productVariantsCount": ("read_products",),
    "inventoryItem": ("read_inventory", "read_products"),
    "inventoryItems": ("read_inventory", "read_products"),
    "inventoryLevel": ("read_inventory",),
    "location": ("read_locations",),
    "locations": ("read_locations",),
    "fulfillmentOrder": _FULFILLMENT_READ,
    "fulfillmentOrders": _FULFILLMENT_READ,
    "fulfillment": ("read_orders", *_FULFILLMENT_READ),
    "customer": ("read_customers",),
    "orderCreate": ("write_orders",),
    "orderUpdate": ("write_orders",),
    "orderCancel": ("write_orders",),
    "orderMarkAsPaid": ("write_orders",),
    "refundCreate": ("write_orders",),
    "tagsAdd": ("write_orders",),
    "tagsRemove": ("write_orders",),
    "fulfillmentCreate": _FULFILLMENT_WRITE,
    "fulfillmentCancel": _FULFILLMENT_WRITE,
    "fulfillmentTrackingInfoUpdate": _FULFILLMENT_WRITE,
    "fulfillmentOrderMove": _FULFILLMENT_WRITE,
    "inventoryAdjustQuantities": ("write_inventory",),
    "inventorySetQuantities": ("write_inventory",),
}
"""Field name → scopes, any one of which is enough. Fields not named here need none."""

TOPIC_SCOPES: dict[str, tuple[str, ...]] = {
    "ORDER": ("read_orders",),
    "ORDERS": ("read_orders",),
    "REFUNDS": ("read_orders",),
    "RETURNS": ("read_returns",),
    "FULFILLMENTS": ("read_fulfillments", "read_marketplace_orders"),
    "FULFILLMENT": _FULFILLMENT_READ,
    "INVENTORY": ("read_inventory",),
    "PRODUCTS": ("read_products",),
    "LOCATIONS": ("read_locations",),
}
"""First word of a webhook topic → scopes, any one of which is enough to subscribe."""


def held(granted: frozenset[str]) -> frozenset[str]:
    """Return the granted scopes with the read scopes that write scopes hold."""
    return granted | {"read_" + scope[6:] for scope in granted if scope.startswith("write_")}


def need(scopes: frozenset[str], field: str) -> None:
    """Raise the GraphQL error ACCESS_DENIED when none of the scopes a field needs is held."""
    needed = NEEDED.get(field)
    if needed is None or not scopes.isdisjoint(needed):
        return
    required = " or ".join(f"`{scope}`" for scope in needed) + " access scope."
    raise GraphQLError(
        f"Access denied for {field} field. Required access: {required}",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": required,
        },
    )

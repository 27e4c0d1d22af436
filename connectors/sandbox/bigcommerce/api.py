"""The routes of the V2 and V3 API: address, BigCommerce's own name of the operation, the scopes one of which it needs."""

from __future__ import annotations

from aiohttp import web

from connectors.sandbox.bigcommerce import (
    catalog_api,
    hooks,
    inventory_api,
    orders_api,
    placing,
    store_api,
)
from connectors.sandbox.bigcommerce.face import API_PATH, Work, handler

_READ_ORDERS, _ORDERS = ("store_v2_orders_read_only",), ("store_v2_orders",)
_PAID_READ, _PAID = ("store_v2_transactions_read_only",), ("store_v2_transactions",)
_READ_GOODS, _GOODS = ("store_v2_products_read_only",), ("store_v2_products",)
_READ_STOCK, _STOCK = ("store_inventory_read_only",), ("store_inventory",)
_READ_PLACES = ("store_locations_read_only", "store_inventory_read_only")
_READ_STORE, _STORE = ("store_v2_information_read_only",), ("store_v2_information",)
_READ_PEOPLE, _PEOPLE = ("store_v2_customers_read_only",), ("store_v2_customers",)
_READ_CHANNELS = ("store_channel_settings_read_only", "store_channel_listings_read_only")
_ANY: tuple[str, ...] = ()

_ORDER = r"/orders/{id:\d+}"
_GOOD = r"/catalog/products/{id:\d+}"
_REFUNDS = r"/orders/{id:\d+}/payment_actions"

Route = tuple[str, str, str, str, tuple[str, ...], Work]

ROUTES: tuple[Route, ...] = (
    ("POST", "v2", "/orders", "createOrder", _ORDERS, placing.create),
    ("GET", "v2", "/orders", "getOrders", _READ_ORDERS, orders_api.orders),
    ("GET", "v2", "/orders/count", "getOrdersCount", _READ_ORDERS, orders_api.count),
    ("GET", "v2", _ORDER, "getOrder", _READ_ORDERS, orders_api.order),
    ("PUT", "v2", _ORDER, "updateOrder", _ORDERS, orders_api.update),
    ("DELETE", "v2", _ORDER, "deleteOrder", _ORDERS, orders_api.archive),
    ("GET", "v2", f"{_ORDER}/products", "getOrderProducts", _READ_ORDERS, orders_api.products),
    ("GET", "v2", _ORDER + r"/products/{part:\d+}", "getOrderProduct", _READ_ORDERS, orders_api.product),
    ("GET", "v2", f"{_ORDER}/shipping_addresses", "getOrderShippingAddresses", _READ_ORDERS, orders_api.addresses),
    ("GET", "v2", f"{_ORDER}/shippingaddresses", "getOrderShippingAddresses", _READ_ORDERS, orders_api.addresses),
    ("GET", "v2", f"{_ORDER}/consignments", "getOrderConsignments", _READ_ORDERS, orders_api.consignments),
    ("GET", "v2", f"{_ORDER}/fees", "getOrderFees", _READ_ORDERS, orders_api.fees),
    ("GET", "v2", f"{_ORDER}/coupons", "getOrderCoupons", _READ_ORDERS, orders_api.nothing),
    ("GET", "v2", f"{_ORDER}/messages", "getOrderMessages", _READ_ORDERS, orders_api.nothing),
    ("GET", "v2", f"{_ORDER}/taxes", "getOrderTaxes", _READ_ORDERS, orders_api.nothing),
    ("GET", "v2", f"{_ORDER}/shipments", "getOrderShipments", _READ_ORDERS, orders_api.shipments),
    ("POST", "v2", f"{_ORDER}/shipments", "createOrderShipments", _ORDERS, orders_api.ship),
    ("GET", "v2", f"{_ORDER}/shipments/count", "getOrderShipmentsCount", _READ_ORDERS, orders_api.shipment_count),
    ("GET", "v2", _ORDER + r"/shipments/{part:\d+}", "getOrderShipment", _READ_ORDERS, orders_api.shipment),
    ("PUT", "v2", _ORDER + r"/shipments/{part:\d+}", "updateOrderShipment", _ORDERS, orders_api.change_shipment),
    ("DELETE", "v2", _ORDER + r"/shipments/{part:\d+}", "deleteOrderShipment", _ORDERS, orders_api.drop_shipment),
    ("GET", "v2", "/order_statuses", "getOrderStatuses", _READ_ORDERS, orders_api.statuses),
    ("GET", "v2", r"/order_statuses/{id:\d+}", "getOrderStatusesStatus", _READ_ORDERS, orders_api.status),
    ("GET", "v2", "/store", "getStoreInformation", _READ_STORE, store_api.store),
    ("GET", "v2", "/time", "getSystemTimestamp", _ANY, store_api.time),
    ("GET", "v2", "/currencies", "getCurrencies", _READ_STORE, store_api.currencies),
    ("POST", "v3", f"{_REFUNDS}/refund_quotes", "createOrderRefundQuotes", _PAID, orders_api.refund_quote),
    ("POST", "v3", f"{_REFUNDS}/refunds", "createOrderRefund", _PAID, orders_api.refund),
    ("GET", "v3", f"{_REFUNDS}/refunds", "getOrderRefunds", _PAID_READ, orders_api.refunds),
    ("GET", "v3", f"{_ORDER}/transactions", "getOrderTransactions", _PAID_READ, orders_api.transactions),
    ("GET", "v3", "/catalog/products", "getProducts", _READ_GOODS, catalog_api.products),
    ("GET", "v3", _GOOD, "getProduct", _READ_GOODS, catalog_api.product),
    ("PUT", "v3", _GOOD, "updateProduct", _GOODS, catalog_api.update_product),
    ("GET", "v3", f"{_GOOD}/variants", "getProductVariants", _READ_GOODS, catalog_api.product_variants),
    ("GET", "v3", _GOOD + r"/variants/{part:\d+}", "getProductVariant", _READ_GOODS, catalog_api.product_variant),
    ("PUT", "v3", _GOOD + r"/variants/{part:\d+}", "updateProductVariant", _GOODS, catalog_api.update_variant),
    ("GET", "v3", f"{_GOOD}/options", "getProductVariantOptions", _READ_GOODS, catalog_api.options),
    ("GET", "v3", f"{_GOOD}/modifiers", "getProductModifiers", _READ_GOODS, catalog_api.modifiers),
    ("GET", "v3", "/catalog/variants", "getVariants", _READ_GOODS, catalog_api.variants),
    ("GET", "v3", "/inventory/items", "get-inventory-items", _READ_STOCK, inventory_api.items),
    (
        "GET",
        "v3",
        r"/inventory/locations/{id:\d+}/items",
        "get-location-inventory-items",
        _READ_STOCK,
        inventory_api.location_items,
    ),
    (
        "PUT",
        "v3",
        r"/inventory/locations/{id:\d+}/items",
        "put-location-inventory-items",
        _STOCK,
        inventory_api.settings,
    ),
    ("PUT", "v3", "/inventory/adjustments/absolute", "put-absolute-adjustment", _STOCK, inventory_api.absolute),
    ("POST", "v3", "/inventory/adjustments/relative", "post-relative-adjustment", _STOCK, inventory_api.relative),
    ("GET", "v3", "/inventory/locations", "getLocations", _READ_PLACES, inventory_api.locations),
    ("GET", "v3", "/settings/inventory", "getSettingsInventory", _READ_STORE, store_api.inventory_settings),
    ("PUT", "v3", "/settings/inventory", "updateSettingsInventory", _STORE, store_api.update_inventory_settings),
    ("GET", "v3", "/channels", "getChannels", _READ_CHANNELS, store_api.channels),
    ("GET", "v3", r"/channels/{id:\d+}", "getChannel", _READ_CHANNELS, store_api.channel),
    ("GET", "v3", "/customers", "getCustomers", _READ_PEOPLE, store_api.customers),
    ("POST", "v3", "/customers", "createCustomers", _PEOPLE, store_api.create_customers),
    ("GET", "v3", "/hooks", "getWebhooks", _ANY, hooks.list_all),
    ("POST", "v3", "/hooks", "createWebhooks", _ANY, hooks.create),
    ("GET", "v3", r"/hooks/{id:\d+}", "getWebhook", _ANY, hooks.one),
    ("PUT", "v3", r"/hooks/{id:\d+}", "updateWebhook", _ANY, hooks.update),
    ("DELETE", "v3", r"/hooks/{id:\d+}", "deleteWebhook", _ANY, hooks.delete),
)

OPERATIONS = (*dict.fromkeys(name for _, _, _, name, _, _ in ROUTES), "token")
"""Every operation's name, for faults: the `operationId` of the official documents; `token` is the code exchange."""


def setup_api(app: web.Application) -> None:
    """Add the API's routes. V2 is called with and without `.json` at the end, as older clients do."""
    for method, version, path, name, scopes, work in ROUTES:
        made = handler(name, version, scopes, work)
        app.router.add_route(method, f"{API_PATH}/{version}{path}", made)
        if version == "v2":
            app.router.add_route(method, f"{API_PATH}/{version}{path}.json", made)

"""Every GraphQL document we send, with what it is estimated to cost.

`name` is the root field: it is what logs, counters and the sandbox's faults call the operation. Objects are asked for
sparingly, because each costs a point and a Standard store gives a hundred a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.shopify.limits import MUTATION_POINTS, RESERVE_FOR_ORDERS_POINTS, RESERVE_FOR_STOCK_POINTS

ORDER_KEY_NAMESPACE = "salestio"
ORDER_KEY = "order_key"
"""The `id` metafield that carries our key: unique in the shop, and the strongest look-up there is."""


@dataclass(frozen=True, slots=True)
class Document:
    """A GraphQL document; `points` is its estimated cost when the call's size does not matter.

    `roots` are the names an answer must have (default: `name` alone): an answer without them is no answer.
    """

    name: str
    text: str
    points: float = 10.0
    write: bool = False
    reserve: float = 0.0
    roots: tuple[str, ...] = ()

    @property
    def answers(self) -> tuple[str, ...]:
        """Return the names under which the answer's data must be."""
        return self.roots or (self.name,)


_ORDER = """
fragment OrderFacts on Order {
  id
  name
  sourceIdentifier
  tags
  createdAt
  cancelledAt
  displayFulfillmentStatus
  totalPriceSet { shopMoney { amount currencyCode } }
  key: metafield(namespace: "salestio", key: "order_key") { value }
}
"""

_LEVELS = """
fragment Levels on InventoryItem {
  inventoryLevels(first: $levels) {
    pageInfo { hasNextPage }
    nodes { location { id } quantities(names: ["available"]) { name quantity } }
  }
}
"""

_VARIANT = (
    """
fragment VariantFacts on ProductVariant {
  id
  sku
  barcode
  price
  inventoryPolicy
  requiresComponents
  updatedAt
  selectedOptions { name value }
  inventoryItem { id tracked requiresShipping ...Levels }
}
"""
    + _LEVELS
)

_PRODUCT = """
fragment ProductFacts on Product {
  id
  title
  status
  updatedAt
  featuredMedia { preview { image { url } } }
}
"""

# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ORDER_CREATE = Document(
    name="orderCreate",
    text="""
mutation OrderCreate($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput!) {
  orderCreate(order: $order, options: $options) {
    order { id name createdAt totalPriceSet { shopMoney { amount currencyCode } } }
    userErrors { code field message }
  }
}
""",
    points=MUTATION_POINTS,
    write=True,
)

ORDER_BY_KEY = Document(
    name="orderByIdentifier",
    text="""
query OrderByKey($key: String!) {
  orderByIdentifier(identifier: {customId: {namespace: "salestio", key: "order_key", value: $key}}) { ...OrderFacts }
}
"""
    + _ORDER,
    points=4,
)

ORDER_SEARCH_SIZE = 50
ORDER_SEARCH = Document(
    name="orders",
    text="""
query OrderSearch($query: String!, $first: Int!, $after: String) {
  orders(first: $first, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes { ...OrderFacts }
  }
}
"""
    + _ORDER,
    points=2 + 4 * ORDER_SEARCH_SIZE,
)

ORDER_GET = Document(
    name="order",
    text="query OrderGet($id: ID!) { order(id: $id) { ...OrderFacts } }" + _ORDER,
    points=4,
)

ORDER_CANCEL = Document(
    name="orderCancel",
    text="""
mutation OrderCancel($id: ID!, $restock: Boolean!, $note: String) {
  orderCancel(
    orderId: $id
    reason: OTHER
    restock: $restock
    notifyCustomer: false
    staffNote: $note
    refundMethod: {originalPaymentMethodsRefund: false}
  ) {
    job { id }
    orderCancelUserErrors { code field message }
  }
}
""",
    points=MUTATION_POINTS,
    write=True,
)

PART_MOVE = Document(
    name="fulfillmentOrderMove",
    text="""
mutation PartMove($id: ID!, $location: ID!) {
  fulfillmentOrderMove(id: $id, newLocationId: $location) {
    movedFulfillmentOrder { id }
    userErrors { code field message }
  }
}
""",
    points=MUTATION_POINTS,
    write=True,
)

# ── stock ────────────────────────────────────────────────────────────────────────────────────────────────────────────

STOCK_READ = Document(
    name="nodes",
    text="""
query StockRead($items: [ID!]!, $levels: Int!, $orders: [ID!]!, $parts: Int!, $lines: Int!) {
  items: nodes(ids: $items) { __typename ... on InventoryItem { id ...Levels } }
  orders: nodes(ids: $orders) {
    __typename
    ... on Order {
      ...OrderFacts
      fulfillmentOrders(first: $parts) {
        pageInfo { hasNextPage }
        nodes {
          id
          status
          assignedLocation { location { id } }
          lineItems(first: $lines) { pageInfo { hasNextPage } nodes { totalQuantity variant { id } } }
        }
      }
    }
  }
}
"""
    + _LEVELS
    + _ORDER,
    reserve=RESERVE_FOR_ORDERS_POINTS,
    roots=("items", "orders"),
)


def stock_item_points(levels: int) -> float:
    """Return what one stock item with so many locations is estimated to cost."""
    return 3.0 + 3.0 * levels


def order_parts_points(parts: int, lines: int) -> float:
    """Return what one order with so many parts and lines a part is estimated to cost."""
    return 6.0 + parts * (5.0 + 2.0 * lines)


# ── catalog ──────────────────────────────────────────────────────────────────────────────────────────────────────────

PRODUCT_LIST = Document(
    name="products",
    text="""
query ProductList(
  $first: Int!, $after: String, $query: String, $sort: ProductSortKeys!, $variants: Int!, $levels: Int!
) {
  products(first: $first, after: $after, query: $query, sortKey: $sort) {
    pageInfo { hasNextPage endCursor }
    nodes {
      ...ProductFacts
      variants(first: $variants) { pageInfo { hasNextPage endCursor } nodes { ...VariantFacts } }
    }
  }
}
"""
    + _PRODUCT
    + _VARIANT,
    reserve=RESERVE_FOR_STOCK_POINTS,
)

PRODUCT_VARIANTS = Document(
    name="product",
    text="""
query ProductVariants($id: ID!, $first: Int!, $after: String, $levels: Int!) {
  product(id: $id) {
    ...ProductFacts
    variants(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...VariantFacts } }
  }
}
"""
    + _PRODUCT
    + _VARIANT,
    reserve=RESERVE_FOR_STOCK_POINTS,
)

PRODUCT_GET = Document(
    name="nodes",
    text="""
query ProductGet($ids: [ID!]!, $variants: Int!, $levels: Int!) {
  nodes(ids: $ids) {
    __typename
    ... on Product {
      ...ProductFacts
      variants(first: $variants) { pageInfo { hasNextPage endCursor } nodes { ...VariantFacts } }
    }
  }
}
"""
    + _PRODUCT
    + _VARIANT,
    reserve=RESERVE_FOR_ORDERS_POINTS,
)

VARIANT_SEARCH = Document(
    name="productVariants",
    text="""
query VariantSearch($first: Int!, $query: String!, $levels: Int!) {
  productVariants(first: $first, query: $query) { nodes { ...VariantFacts product { ...ProductFacts } } }
}
"""
    + _PRODUCT
    + _VARIANT,
    reserve=RESERVE_FOR_ORDERS_POINTS,
)

PRODUCT_POINTS = 4.0
"""A product and its picture."""


def variant_points(levels: int) -> float:
    """Return what one variant with the figures of so many locations is estimated to cost."""
    return 2.0 + stock_item_points(levels)


# ── the shop ─────────────────────────────────────────────────────────────────────────────────────────────────────────

LOCATION_LIST = Document(
    name="locations",
    text="""
query LocationList($after: String) {
  locations(first: 100, after: $after, includeInactive: true, includeLegacy: true) {
    pageInfo { hasNextPage endCursor }
    nodes { id name isActive fulfillsOnlineOrders }
  }
}
""",
    points=102,
)

SHOP_INFO = Document(
    name="shop",
    text="""
query ShopInfo {
  shop {
    name
    myshopifyDomain
    currencyCode
    ianaTimezone
    contactEmail
    plan { publicDisplayName partnerDevelopment shopifyPlus }
    shopAddress { countryCodeV2 }
  }
  currentAppInstallation { accessScopes { handle } }
}
""",
    points=6,
)

KEY_DEFINITION = Document(
    name="metafieldDefinitions",
    text="""
query KeyDefinition {
  metafieldDefinitions(first: 1, ownerType: ORDER, namespace: "salestio", key: "order_key") {
    nodes { id type { name } }
  }
}
""",
    points=4,
)

KEY_DEFINE = Document(
    name="metafieldDefinitionCreate",
    text="""
mutation KeyDefine($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) {
    createdDefinition { id }
    userErrors { code field message }
  }
}
""",
    points=MUTATION_POINTS,
    write=True,
)

HOOK_LIST = Document(
    name="webhookSubscriptions",
    text="""
query HookList($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri format includeFields }
  }
}
""",
    points=102,
)

HOOK_CREATE = Document(
    name="webhookSubscriptionCreate",
    text="""
mutation HookCreate($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
""",
    points=MUTATION_POINTS,
    write=True,
)

HOOK_UPDATE = Document(
    name="webhookSubscriptionUpdate",
    text="""
mutation HookUpdate($id: ID!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $subscription) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
""",
    points=MUTATION_POINTS,
    write=True,
)

HOOK_DELETE = Document(
    name="webhookSubscriptionDelete",
    text="""
mutation HookDelete($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}
""",
    points=MUTATION_POINTS,
    write=True,
)

# ── the whole catalog at once ────────────────────────────────────────────────────────────────────────────────────────

BULK_START = Document(
    name="bulkOperationRunQuery",
    text="""
mutation BulkStart($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id status }
    userErrors { code field message }
  }
}
""",
    points=MUTATION_POINTS,
    write=True,
)

BULK_STATUS = Document(
    name="bulkOperation",
    text="""
query BulkStatus($id: ID!) { bulkOperation(id: $id) { id status errorCode objectCount url } }
""",
    points=1,
)

BULK_CATALOG = """
{
  products {
    edges { node {
      id
      title
      status
      updatedAt
      featuredMedia { preview { image { url } } }
      variants { edges { node {
        id
        sku
        barcode
        price
        inventoryPolicy
        requiresComponents
        updatedAt
        selectedOptions { name value }
        inventoryItem {
          id
          tracked
          requiresShipping
          inventoryLevels { edges { node { id location { id } quantities(names: ["available"]) { name quantity } } } }
        }
      } } }
    } }
  }
}
"""
"""What the bulk operation runs: connections without sizes, as it asks for; one JSON line an object comes back."""

DOCUMENTS: tuple[Document, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Document))
"""All of them, for the test that holds each to Shopify's schema."""

from coffee.orders import to_row


def test_an_order_becomes_a_row():
    order = {"id": "o-1", "shop": "Graz", "customer_id": "c-1", "amount": "4.20"}
    assert to_row(order, "2026-11-01") == ("o-1", "Graz", "c-1", 4.2, "2026-11-01")

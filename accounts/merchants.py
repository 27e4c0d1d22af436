"""Making merchants and members. A merchant comes into being by installing the app, or by the demo's seed."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import connection, transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.timezone import now

from accounts import audit
from accounts.models import ApiToken, Invitation, Membership, Merchant, Role, User
from salestio import routes, tenancy
from salestio.lib.crypto import new_token, token_hash

INVITATION_DAYS = 7


class MemberRefused(ValueError):
    """A change to the members cannot be made; its text says why."""


def create(name: str, *, timezone: str = "UTC") -> Merchant:
    """Make a merchant and return it. Opens its own scope: call it outside any."""
    with connection.cursor() as cursor:
        # Row-level security checks a new merchant against the scope, so the number must be known first.
        cursor.execute("SELECT nextval('accounts_merchant_id_seq')")
        (pk,) = cursor.fetchone()
    with tenancy.scope(pk):
        return Merchant.objects.create(pk=pk, name=name[:120], timezone=timezone or "UTC")


def join(*, user: User, merchant_id: int, role: str, platform_user: str = "") -> Membership:
    """Make the user a member; one who is already keeps the higher of both roles."""
    member, made = Membership.objects.get_or_create(
        user=user, merchant_ref=merchant_id, defaults={"role": role, "platform_user": platform_user}
    )
    order = [Role.VIEWER, Role.MANAGER, Role.OWNER]
    if not made and order.index(Role(role)) > order.index(Role(member.role)):
        member.role = role
        member.save(update_fields=["role"])
    return member


def welcome_owner(*, email: str, name: str, merchant_id: int, store_name: str) -> User | None:
    """Make the installing person owner and mail a link to set a password; None when the store told no address.

    A person who has an account already is made a member and gets a mail that says so: nobody's password is touched.
    Call it outside a transaction.
    """
    if not email:
        return None
    with transaction.atomic():
        user = User.objects.filter(email=email.lower()).first()
        new = user is None
        if user is None:
            user = User.objects.create_user(email, None, name=name[:120])
        join(user=user, merchant_id=merchant_id, role=Role.OWNER)
    if new or not user.has_usable_password():
        link = set_password_link(user)
        routes.ask("mail.send", template="welcome", to=user.email, context={"store": store_name, "link": link})
    else:
        routes.ask("mail.send", template="joined", to=user.email, context={"store": store_name})
    return user


def set_password_link(user: User) -> str:
    """Return the address where this user sets a password; good once, for PASSWORD_RESET_TIMEOUT."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return f"{settings.WEB_URL}/set-password/{uid}/{default_token_generator.make_token(user)}/"


# ── invitations ──────────────────────────────────────────────────────────────────────────────────────────────────────


def invite(*, merchant_id: int, merchant_name: str, email: str, role: str, by: User | None, actor: str) -> bool:
    """Invite a person by mail, for `INVITATION_DAYS`; a new invitation of the same address replaces the older one.

    Returns False when the mail was not taken (the invitation stands and can be sent again). Raises `MemberRefused` when
    the person is a member already. Call it outside a transaction.
    """
    email = email.strip().lower()
    if Membership.objects.filter(merchant_ref=merchant_id, user__email=email).exists():
        raise MemberRefused(f"{email} is a member already.")
    token = new_token("inv_")
    with tenancy.scope(merchant_id):
        Invitation.objects.filter(merchant_ref=merchant_id, email=email, accepted_at=None).delete()
        Invitation.objects.create(
            merchant_ref=merchant_id,
            email=email,
            role=role,
            token_hash=token_hash(token),
            invited_by=by,
            expires_at=now() + timedelta(days=INVITATION_DAYS),
        )
        audit.note(actor=actor, action="member.invited", subject=email, after={"role": role})
    context = {
        "merchant": merchant_name,
        "role": Role(role).label.lower(),
        "link": f"{settings.WEB_URL}/invitations/{token}/",
        "days": INVITATION_DAYS,
        "by": (by.name or by.email) if by else "",
    }
    return bool(routes.ask("mail.send", template="invitation", to=email, context=context))


def open_invitation(token: str) -> Invitation | None:
    """Return the invitation this link belongs to, if it is still open."""
    return Invitation.objects.filter(token_hash=token_hash(token), accepted_at=None, expires_at__gt=now()).first()


def accept(invitation: Invitation, user: User) -> Membership:
    """Make the invited person a member. Raises `MemberRefused` when the invitation was used or is for somebody else."""
    if user.email != invitation.email:
        raise MemberRefused(f"This invitation is for {invitation.email}; you are signed in as {user.email}.")
    with tenancy.scope(invitation.merchant_ref):
        used = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, expires_at__gt=now()).update(
            accepted_at=now()
        )
        if not used:
            raise MemberRefused("This invitation was used already or has expired.")
        member = join(user=user, merchant_id=invitation.merchant_ref, role=invitation.role)
        audit.note(actor=str(user), action="member.joined", subject=user.email, after={"role": member.role})
    return member


# ── members ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def change_role(member: Membership, role: str, *, actor: str) -> None:
    """Give a member another role; inside the merchant's scope. Raises `MemberRefused` for the last owner."""
    if role not in Role.values:
        raise MemberRefused("Choose owner, manager or viewer.")
    _keep_an_owner(member, role)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    audit.note(
        actor=actor, action="member.role", subject=member.user.email, before={"role": before}, after={"role": role}
    )


def remove(member: Membership, *, actor: str) -> None:
    """Take a member out; inside the merchant's scope. Raises `MemberRefused` for the last owner."""
    check_removal(member)
    email = member.user.email
    member.delete()
    audit.note(actor=actor, action="member.removed", subject=email)


def check_removal(member: Membership) -> None:
    """Raise `MemberRefused` when this member has to stay; inside the merchant's scope."""
    _keep_an_owner(member, "")


def _keep_an_owner(member: Membership, role: str) -> None:
    # The rows are locked: two owners must not demote each other at the same moment.
    owners = Membership.objects.select_for_update().filter(merchant_ref=member.merchant_ref, role=Role.OWNER)
    others = [owner.pk for owner in owners.order_by("pk") if owner.pk != member.pk]
    if member.role == Role.OWNER and role != Role.OWNER and not others:
        raise MemberRefused("A merchant needs at least one owner. Make somebody else owner first.")


def tokens_of(merchant_id: int) -> list[ApiToken]:
    """Return the merchant's API tokens that work, newest first."""
    return list(ApiToken.objects.filter(merchant_ref=merchant_id, revoked_at=None).order_by("-created_at"))

"""Types and codes of ICMPv6 messages (RFC 4443, RFC 4861; https://www.iana.org/assignments/icmpv6-parameters)."""

from __future__ import annotations

PROTOCOL_ICMP6 = 58

DESTINATION_UNREACHABLE = 1
PACKET_TOO_BIG = 2
TIME_EXCEEDED = 3
PARAMETER_PROBLEM = 4
ECHO_REQUEST = 128
ECHO_REPLY = 129
MLD_QUERY = 130
MLD_REPORT = 131
MLD_DONE = 132
ROUTER_SOLICITATION = 133
ROUTER_ADVERTISEMENT = 134
NEIGHBOR_SOLICITATION = 135
NEIGHBOR_ADVERTISEMENT = 136
REDIRECT = 137
MLD2_REPORT = 143

FIRST_QUERY = 128  #: what is less is an error

# Codes of DESTINATION_UNREACHABLE
NO_ROUTE, ADMINISTRATIVELY_PROHIBITED, BEYOND_SCOPE, ADDRESS_UNREACHABLE, PORT_UNREACHABLE = range(5)
# Codes of TIME_EXCEEDED
HOP_LIMIT_EXCEEDED = 0
# Codes of PARAMETER_PROBLEM
ERRONEOUS_FIELD, UNKNOWN_NEXT_HEADER, UNKNOWN_OPTION = range(3)

#: Type -> its name, as traces show it.
TYPE_NAMES = {
    1: "destination_unreachable",
    2: "packet_too_big",
    3: "time_exceeded",
    4: "parameter_problem",
    128: "echo_request",
    129: "echo_reply",
    130: "multicast_listener_request",
    131: "multicast_listener_report",
    132: "multicast_listener_done",
    133: "router_solicitation",
    134: "router_advertisement",
    135: "neighbor_solicitation",
    136: "neighbor_advertisement",
    137: "redirect",
    138: "router_renumbering",
    139: "node_information_request",
    140: "node_information_response",
    141: "inverse_neighbor_solicitation",
    142: "inverse_neighbor_advertisement",
    143: "multicast_listener_report_v2",
}

#: (type, code) -> the code's name.
CODE_NAMES = {
    (1, 0): "no_route_to_destination",
    (1, 1): "destination_administratively_prohibited",
    (1, 2): "source_address_scope_invalid",
    (1, 3): "address_unreachable",
    (1, 4): "port_unreachable",
    (1, 5): "source_address_failed_policy",
    (1, 6): "reject_route_to_destination",
    (3, 0): "ttl_exceeded_in_transit",
    (3, 1): "fragment_reassembly_time_exceeded",
    (4, 0): "erroneous_header_field",
    (4, 1): "unrecognized_next_header",
    (4, 2): "unrecognized_option",
}
